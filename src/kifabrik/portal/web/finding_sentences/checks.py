"""The English sentences of the check of a dataset. Knows words only."""

from django.utils.translation import gettext_noop as _

from kifabrik.portal.web.finding_sentences.pairs import Pair, ngettext

SENTENCES: tuple[str | Pair, ...] = (
    # size and split of a dataset
    _("No document is held out, so no model trained on this can be tested."),
    _("Give at least two different documents and a held-out share above 0."),
    _("Only one document is held out; tests on it will be imprecise."),
    _("Only {n} documents are held out; tests on them will be imprecise."),
    _("Raise the held-out share, or give more documents, so that it is at least {n}."),
    _("There is only {size} of text; a model will learn it by heart."),
    _("Give more text."),
    # personal data
    ngettext(
        "{n} {label} in {documents} document: {places}.",
        "{n} {label} in {documents} documents: {places}.",
        by="documents",
    ),
    ngettext("{list} and {n} more", "{list} and {n} more"),
    _("Take them out of the texts, or let a named person accept with a reason why training on them is right."),
    _("Personal data were found, but no role and legal basis for them are declared."),
    _("Declare controller or processor and the legal basis, or take the personal data out."),
    ngettext("{n} {label} was replaced ({action}).", "{n} {label} were replaced ({action})."),
    ngettext(
        "{n} {label} is an example, not personal data: {examples}.",
        "{n} {label} are examples, not personal data: {examples}.",
    ),
    _("placeholder"),
    _("mask"),
    _("pseudonym"),
    ngettext("date of birth", "dates of birth"),
    ngettext("place by its coordinates", "coordinates of places"),
    ngettext("hardware address (MAC)", "hardware addresses (MAC)"),
    ngettext("IP address", "IP addresses"),
    ngettext("telephone number", "telephone numbers"),
    ngettext("national identity, social security or tax number", "national identity, social security and tax numbers"),
    ngettext("driving licence", "driving licences"),
    ngettext("passport or identity card", "passports and identity cards"),
    ngettext("payment card number", "payment card numbers"),
    ngettext("VAT number (of sole traders, too)", "VAT numbers (of sole traders, too)"),
    ngettext("bank account number (IBAN)", "bank account numbers (IBAN)"),
    ngettext("e-mail address", "e-mail addresses"),
    ngettext("user name with a password in an address", "user names with passwords in addresses"),
    ngettext("key, token or password", "keys, tokens and passwords"),
    ngettext("name of a person", "names of persons"),
    ngettext("address of a person", "addresses of persons"),
    _("days on which calendars of computers begin"),
    _("the place where equator and prime meridian cross"),
    _("ranges for documentation (RFC 7042) and addresses that count upwards"),
    _("private, loopback, reserved and documentation ranges (RFC 1918, RFC 5737, RFC 3849, RFC 9637)"),
    _("numbers set aside for fiction and manuals"),
    _("numbers that manuals and encyclopaedias print"),
    _("specimens of ICAO Doc 9303 and of annex 8 to the German driving licence ordinance"),
    _("test numbers published by card schemes"),
    _("numbers that manuals print"),
    _("numbers printed as examples in the IBAN registry"),
    _("domains reserved for documentation and tests (RFC 2606, RFC 6761)"),
    _("passwords that stand in manuals for a password"),
    _("values that say themselves that they are examples"),
    _("names of fiction"),
    # licences and rights
    _("The licence of the texts is not known."),
    _("Declare it as an SPDX identifier, or let a named person accept why training on them is right."),
    _("Documents name licences other than the declared {licence}: {names}."),
    _("Check whether these documents may be used on the declared terms."),
    ngettext(
        "{n} document ({size}) comes from an address whose owner reserves text and data mining: {places}.",
        "{n} documents ({size}) come from addresses whose owners reserve text and data mining: {places}.",
    ),
    _(
        "Leave them out with --drop-reserved, or let a named person accept why training on them is right, for "
        "example because a licence was agreed."
    ),
    ngettext(
        "{n} document was left out because text and data mining is reserved: {places}.",
        "{n} documents were left out because text and data mining is reserved: {places}.",
    ),
    _("The texts are declared as crawled, but no document names the address it came from."),
    _("Keep the address of each page in a column 'url'; without it nobody can check opt-outs."),
    ngettext(
        "Not checked: opt-outs for {n} of {m} document with an address, because no file was given for its host.",
        "Not checked: opt-outs for {n} of {m} documents with an address, because no file was given for their hosts.",
        by="m",
    ),
    _("Fetch robots.txt, /.well-known/tdmrep.json and ai.txt of these hosts and give the folder again."),
    ngettext(
        "{n} opt-out file was not read: {path}: {reason}.",
        "{n} opt-out files were not read, the first is {path}: {reason}.",
    ),
    _("Fetch them again."),
    ngettext(
        "{n} opt-out file does not say on which day it was fetched, so it proves little.",
        "{n} opt-out files do not say on which day they were fetched, so they prove little.",
    ),
    _("Write the day into a file 'fetched_on' beside them, as 2026-11-24."),
    # copies
    ngettext(
        "{n} near-duplicate of another document was left out.", "{n} near-duplicates of other documents were left out."
    ),
    ngettext(
        "{n} document is a near-duplicate of another and stays, on the same side as that one.",
        "{n} documents are near-duplicates of others and stay, on the same side as these.",
    ),
    _("A model learns repeated text by heart; take near-duplicates out unless the repetition is wanted."),
    ngettext(
        "{n} document shares long runs of words with evaluation texts; left out.",
        "{n} documents share long runs of words with evaluation texts; left out.",
    ),
    ngettext(
        "{n} document with personal identifiers was left out.", "{n} documents with personal identifiers were left out."
    ),
    ngettext(
        "{n} document was left out because another dataset holds it too.",
        "{n} documents were left out because another dataset holds them too.",
    ),
    ngettext(
        "{n} document is a near-duplicate of documents of the dataset {dataset}.",
        "{n} documents are near-duplicates of documents of the dataset {dataset}.",
    ),
    _("Leave them out if both are trained on, or if one tests a model that learnt from the other."),
    # what was not checked
    _("Not checked: {gap}."),
    _("names and addresses of persons"),
    ngettext(
        "words that announce an identifier, in {n} document of another language ({languages})",
        "words that announce an identifier, in {n} documents of other languages ({languages})",
    ),
    ngettext(
        "the language of {n} document, which could not be told",
        "the language of {n} documents, which could not be told",
    ),
    ngettext("{n} file or record that could not be read", "{n} files or records that could not be read"),
    _("near-duplicates (only exact duplicates are removed)"),
    _("near-duplicates in other datasets (none was named)"),
    _("overlap with evaluation sets (none was given)"),
    _("whether the declared licence and source are true"),
    _("harmful, illegal or biased content"),
    _("numbers of passports, identity cards and driving licences outside of machine-readable zones, except {known}"),
    _("identity card or passport with check digit (DE)"),
    _("CY: identity card numbers (no check digit, no published structure); social insurance numbers"),
    _("DE: tax numbers of the tax offices (Steuernummer); health insurance numbers"),
    _("DK: CPR numbers without a word before them (since 2007 they have no sure check digit)"),
    _("ES: social security numbers (número de afiliación)"),
    _("IE: PPS numbers without a word before them"),
    _("LU: numbers given before 2014"),
    _("MT: identity numbers without a word before them (they have no check digit)"),
    _("RO: series and number of identity cards"),
    _("SE: coordination numbers (samordningsnummer)"),
    # how a dataset was checked
    _("MinHash LSH; every removed document verified by true Jaccard against the kept one"),
    _(
        "MinHash LSH; every removed document verified by true Jaccard against the kept one; none removed, clusters "
        "kept in one split"
    ),
    _(
        "by document: the first 48 bits of sha256('{seed}:' + document id), as a share of 1, below {share} are held "
        "out; near-duplicates that stay go with the first of them; if that holds out none, the document with the "
        "smallest number is"
    ),
    _("Very short or very long: fewer than 50 or more than 100,000 words"),
    _("Words of unusual length: mean below 3 or above 10 characters"),
    _("Many hash signs or ellipses: more than 0.1 of them a word"),
    _("A list: more than 90 % of the lines begin with a bullet"),
    _("Lines that break off: more than 30 % of the lines end with an ellipsis"),
    _("Mostly numbers: fewer than 80 % of the words hold a letter"),
    _("English without stop words: fewer than 2 of: the be to of and that have with"),
    _("Text without frequent words: fewer than 2 of the language's 20 most frequent"),
    _("Repeated lines: more than 30 % of the lines or 20 % of their characters"),
    _("Repeated paragraphs: more than 30 % of them or 20 % of their characters"),
    _("One phrase all over: the top 2-, 3-, 4-gram holds over 20, 18, 16 %"),
    _("Repeated phrases: repeated 5- to 10-grams hold over 15, 14, 13, 12, 11, 10 %"),
    _("Placeholder text: holds 'lorem ipsum'"),
    _("Code in prose: holds a curly bracket"),
    _("Web page that asks for Javascript: holds the word; C4 drops the line"),
    _("Cookie and privacy notices: holds such a phrase; C4 drops the line"),
    _("Lines without punctuation at their end: at most 12 % of the lines have it"),
    _("Short lines: 67 % or more of the lines have at most 30 characters"),
    _("Code with very long lines: mean above 100 or one above 1000 characters"),
    _("Code with few letters and digits: fewer than 25 % of the characters"),
)
