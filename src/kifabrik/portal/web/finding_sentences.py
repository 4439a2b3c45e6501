"""The English sentences of dataset checks and tests of models, with names for what is filled in.

They stand here a second time so that translators find them; the tests of `finding_words` prove that each sentence a
check can say is among them. Knows words only.
"""

from django.utils.translation import gettext_noop as _

SENTENCES = (
    # size and split of a dataset
    _("No document is held out, so no model trained on this can be tested."),
    _("Give at least two different documents and a held-out share above 0."),
    _("Only one document is held out; tests on it will be imprecise."),
    _("Only {n} documents are held out; tests on them will be imprecise."),
    _("Raise the held-out share, or give more documents, so that it is at least {n}."),
    _("There is only {size} of text; a model will learn it by heart."),
    _("Give more text."),
    # personal data
    _("{n} {label} in {documents} documents: {places}."),
    _("{n} {label} in 1 document: {places}."),
    _("{list} and {n} more"),
    _("Take them out of the texts, or let a named person accept with a reason why training on them is right."),
    _("Personal data were found, but no role and legal basis for them are declared."),
    _("Declare controller or processor and the legal basis, or take the personal data out."),
    _("{n} {label} were replaced ({action})."),
    _("{n} {label} are examples, not personal data: {examples}."),
    _("placeholder"),
    _("mask"),
    _("pseudonym"),
    _("dates of birth"),
    _("coordinates of places"),
    _("hardware addresses (MAC)"),
    _("IP addresses"),
    _("telephone numbers"),
    _("national identity, social security and tax numbers"),
    _("driving licences"),
    _("passports and identity cards"),
    _("payment card numbers"),
    _("VAT numbers (of sole traders, too)"),
    _("bank account numbers (IBAN)"),
    _("e-mail addresses"),
    _("user names with passwords in addresses"),
    _("keys, tokens and passwords"),
    _("names of persons"),
    _("addresses of persons"),
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
    _("{n} documents ({size}) come from addresses whose owners reserve text and data mining: {places}."),
    _(
        "Leave them out with --drop-reserved, or let a named person accept why training on them is right, for "
        "example because a licence was agreed."
    ),
    _("{n} documents were left out because text and data mining is reserved: {places}."),
    _("The texts are declared as crawled, but no document names the address it came from."),
    _("Keep the address of each page in a column 'url'; without it nobody can check opt-outs."),
    _("Not checked: opt-outs for {n} of {m} documents with an address, because no file was given for their hosts."),
    _("Fetch robots.txt, /.well-known/tdmrep.json and ai.txt of these hosts and give the folder again."),
    _("{n} opt-out files were not read, the first is {path}: {reason}."),
    _("Fetch them again."),
    _("{n} opt-out files do not say on which day they were fetched, so they prove little."),
    _("Write the day into a file 'fetched_on' beside them, as 2026-11-24."),
    # copies
    _("{n} near-duplicates of other documents were left out."),
    _("{n} documents are near-duplicates of others and stay, on the same side as these."),
    _("A model learns repeated text by heart; take near-duplicates out unless the repetition is wanted."),
    _("{n} documents share long runs of words with evaluation texts; left out."),
    _("{n} documents with personal identifiers were left out."),
    _("{n} documents were left out because another dataset holds them too."),
    _("1 document is a near-duplicate of documents of the dataset {dataset}."),
    _("{n} documents are near-duplicates of documents of the dataset {dataset}."),
    _("Leave them out if both are trained on, or if one tests a model that learnt from the other."),
    # reading
    _("{n} files or records were not read, the first is {path}: {reason}."),
    _("1 file or record was not read, the first is {path}: {reason}."),
    _("Look at the list on the card, and convert what should be part of the dataset."),
    _(
        "Look at the list on the card; convert what should be part of the dataset, or give large files more time "
        "with --parse-seconds."
    ),
    _("{n} broken records were left out, the first is {path}: {reason}."),
    _("{n} broken records were left out."),
    _("Mend the files and check them again, or let a named person accept that these records are missing."),
    _("{n} large text files were cut at line ends into several documents."),
    _("{n} documents without any text were left out."),
    _("not UTF-8 text: byte {place} is {value}"),
    _("binary: a zero byte at byte {place}"),
    _("it belongs to a dataset folder, of which only the shards are read"),
    _("hidden"),
    _("empty"),
    _("a link; links are not followed"),
    _("not a regular file"),
    _("format {ending} is not read"),
    _("the page holds no text"),
    _("the document holds no text"),
    _("the PDF is locked with a password"),
    _("the PDF holds no text; perhaps its pages are scanned pictures"),
    _("not a readable PDF: {detail}"),
    _("not a Word file (.docx)"),
    _("not a Parquet file"),
    _("not a zip file, or its directory is damaged"),
    _("not a tar file"),
    _("you may not read it"),
    _("it vanished while the check ran"),
    _("reading it takes more processor time than one file may have"),
    _("reading it takes more than {size} of memory"),
    _("its parser ended in the middle"),
    _("its parser crashed ({signal})"),
    _("none of its {n} records can be used; record {m}: {detail}"),
    # what was not checked
    _("Not checked: {gap}."),
    _("names and addresses of persons"),
    _("words that announce an identifier, in {n} documents of other languages ({languages})"),
    _("the language of {n} documents, which could not be told"),
    _("{n} files or records that could not be read"),
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
    # data protection of a dataset
    _("No identifier of a person was found, and no role for personal data is declared. Names were not looked for."),
    _("No identifier of a person was found, and no role for personal data is declared."),
    _("Identifiers of persons were found, but nobody declared a role for them."),
    _("Declare controller or processor; if you only keep the texts for somebody else, you are a processor."),
    _("No legal basis is declared."),
    _("Choose one of Article 6(1)."),
    _("No purpose is declared."),
    _("Say in a sentence what the texts are used for."),
    _("No end of storage is declared."),
    _("Declare the day on which the copies go."),
    _("The texts were to be deleted by {day}."),
    _("Delete the copies here and on the clusters, or declare a later day and why."),
    _("Whether the texts hold special categories of personal data (health, belief, origin ...) is not declared."),
    _("Look at a sample and declare it."),
    _("Special categories of personal data are declared, but no exception of Article 9(2)."),
    _("Name the exception beside the legal basis, for example “6(1)(a), 9(2)(a)”, or take these texts out."),
    _("An impact assessment is not asked for by these criteria: {n} of 9 criteria hold ({criteria})."),
    _("The controller has to make an impact assessment: {n} of 9 criteria hold ({criteria})."),
    _("Ask the controller for it and help with what you know (Article 28(3)(f))."),
    _("An impact assessment was made: {note}"),
    _("Declared as not needed ({note}), although {n} of 9 criteria hold ({criteria})."),
    _("Let the data protection officer confirm it in writing."),
    _("A data protection impact assessment is to be made before training: {n} of 9 criteria hold ({criteria})."),
    _(
        "Describe the processing, why it is necessary, the risks for persons and the measures against them; ask the"
        " data protection officer; then note here where it lies. Where a high risk remains, ask the authority first"
        " (Article 36)."
    ),
    _("evaluation or scoring of persons, profiling and predicting included"),
    _("automated decisions with legal or similarly significant effect"),
    _("systematic monitoring of persons"),
    _("sensitive data or data of a highly personal nature"),
    _("data processed on a large scale"),
    _("datasets matched or combined in a way the persons would not expect"),
    _("data about children, patients, employees or other vulnerable persons"),
    _("innovative use of technology, training of a language model included"),
    _("processing that keeps persons from a right, a service or a contract"),
    # tests of a model
    _("All {n} files are as recorded; every weight is a finite number."),
    _("any deviation is red"),
    _("faults"),
    _(
        "{n} of {m} held-out documents consist to 80 % or more of passages of {tokens} tokens that the training "
        "text holds too; the other tests leave them out."
    ),
    _("share of held-out documents"),
    _("more than {share} of the held-out documents are dirty"),
    _("no held-out document is longer than {n} tokens, so nothing could be compared."),
    _("{value} bits per byte: {first} a trigram ({one} [{low}, {high}]) and {second} the untrained model ({two})."),
    _("better than"),
    _("not shown to be better than"),
    _("bits per byte"),
    _("upper 95 % bound of the difference to the trigram, or to the untrained model, is 0 or more"),
    _(
        "{n} clean held-out documents are too few for an interval; at least {m} are needed. Give more documents or "
        "a larger held-out share."
    ),
    _(
        "Canaries planted once are told apart from never-planted ones (p = {p}). Of a hundred models that remember "
        "nothing, chance does this to one; another seed draws other canaries."
    ),
    _(
        "Canaries planted once, in text that was read {times} times, are told apart from never-planted ones (p = "
        "{p}). Of a hundred models that remember nothing, chance does this to one; another seed draws other "
        "canaries."
    ),
    _("Canaries planted once are told apart from never-planted ones (p = {p})."),
    _("Canaries planted once are not told apart from never-planted ones (p = {p})."),
    _(
        "Canaries planted once, in text that was read {times} times, are not told apart from never-planted ones (p "
        "= {p})."
    ),
    _(
        "Canaries planted once are not told apart from never-planted ones (p = {p}). Nor are those planted {n} "
        "times, so the model has learnt too little for this to say much."
    ),
    _(
        "Canaries planted once, in text that was read {times} times, are not told apart from never-planted ones (p "
        "= {p}). Nor are those planted {n} times, so the model has learnt too little for this to say much."
    ),
    _(
        "one-sided Mann-Whitney p < {p} for the canaries planted once (at most 1 in 100 models that remember "
        "nothing); more repetitions are reported only"
    ),
    _("one-sided Mann-Whitney p < {p} for the canaries planted once; more repetitions are reported only"),
    _("no canaries were planted; set 'canaries' in the recipe."),
    _("no canary was planted just once; add 1 to 'repetitions' of the canaries in the recipe."),
    _(
        "{n} of {m} training windows and {held} of {windows} held-out windows are continued word for word over "
        "{tokens} tokens; the excess is at most {share} (95 %)."
    ),
    _("upper 95 % bound of the excess over held-out text is above {share}"),
    _("excess rate"),
    _("no window was drawn; the documents are too short or 'extraction_windows' is 0."),
    _(
        "{n} training windows are too few: even without a single hit the bound would be {share}, above {limit}. "
        "Raise 'extraction_windows' in the recipe to 300 or more."
    ),
    # how a dataset was checked
    _("MinHash LSH; every removed document verified by true Jaccard against the kept one"),
    _(
        "MinHash LSH; every removed document verified by true Jaccard against the kept one; none removed, clusters "
        "kept in one split"
    ),
    _(
        "by document: the first 48 bits of sha256('{seed}:' + document id), as a share of 1, below {share} are held"
        " out; near-duplicates that stay go with the first of them; if that holds out none, the document with the "
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
    # titles of the tests; the catalogue of pages has them too
    _("The model files are what they claim to be"),
    _("The held-out text was not trained on"),
    _("The model predicts better than a simple baseline"),
    _("The model does not remember what it saw once"),
    _("The model does not recite its training text"),
)
