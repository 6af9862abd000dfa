"""Files that people write, YAML and JSON, read everywhere as kubectl reads them; mistakes are told with file and line.

Read in this order: `file` (bytes to text), `scalars` (what a word of YAML is: kubectl's rules, which are Go's),
`nodes` (text to a tree that knows its lines), `values` (a tree to plain data: anchors, merges, keys), `documents` (a
text to its documents), `schema` (one document by a JSON Schema). What programs have written is read by `told`,
and made what it should be by `shapes`.

It never guesses: the first mistake ends in an `InputError`. What kubectl makes of the files in tests/reading is
recorded beside them; where this package is stricter than kubectl, test_reading.py says so, and why.
"""

from wavetank.document.documents import Document, Key, read_documents
from wavetank.document.file import MOST_BYTES, read_text
from wavetank.document.scalars import write_yaml
from wavetank.document.schema import Mistake, find_mistake, load_document, load_schema
from wavetank.document.shapes import shaped
from wavetank.document.told import read_json

__all__ = [
    "MOST_BYTES",
    "Document",
    "Key",
    "Mistake",
    "find_mistake",
    "load_document",
    "load_schema",
    "read_documents",
    "read_json",
    "read_text",
    "shaped",
    "write_yaml",
]
