"""The table of layers: who may include whom. DESIGN's picture, once, for every check that needs it."""

import fnmatch

# A layer and the layers right below it; what those see, it sees too.
BELOW = {
    "base": [],
    "term": ["base"],
    "core": ["term"],
    "flow": ["base"],
    "process": ["term", "flow"],
    "node": ["process"],
    "exec": ["process"],
    "supervisor": ["core", "node", "exec"],
    "ops": ["supervisor"],
    "sim": ["core", "flow"],
}

# The parts of the core, by folder: which other parts a part may include. "machine" is what lies beside the folders:
# core.* and machine*.*, which put the parts together.
CORE_PARTS = {
    "base": [],
    "placement": ["base"],
    "rows": ["base"],
    "wire": ["base"],
    "members": ["base", "placement", "rows"],
    "balance": ["base", "placement", "members", "rows"],
    "requests": ["base", "placement", "members", "rows", "balance"],
    "handover": ["base", "members", "rows"],
    "children": ["base", "members", "rows", "handover"],
    "history": ["base", "rows"],
    "machine": ["base", "placement", "rows", "members", "balance", "requests", "handover", "children", "history"],
}

# Single includes that go against that order, each with its reason. No others are allowed; one that is no longer made
# is to be taken out of the list.
CORE_EXCEPTIONS = {
    ("base/settings.hpp", "placement/choice.hpp"): "the settings hold the strategies",
    ("base/notes.hpp", "rows/child.hpp"): "a note names the child that it is about",
    ("rows/child.hpp", "requests/open.hpp"): "the record of a child holds the coordinator's piece, plain data",
    ("rows/replication.hpp", "members/joining.hpp"): "replication is the TableProgress, and asks sessions, links",
    ("rows/replication.hpp", "requests/replay.hpp"): "finished requests travel with the table",
    ("rows/spread.hpp", "members/sessions.hpp"): "the ways of changes lead through the members",
    ("members/rejoin.hpp", "children/locals.hpp"): "a node that rejoins ends what others run too",
}

# What tests and test support inside the core may include besides.
CORE_TEST_SUPPORT = ["core/testing.hpp", "core/parts_testing.hpp", "core/core.hpp", "core/wire/wire.hpp", "core/wire/wire_samples.hpp"]

# No clock, thread, socket, file, random device or environment in these.
PURE = ["base", "term", "core", "flow", "sim"]

# The layer that implements a public header, by pattern, the first that fits. A layer may include the public
# headers of what it sees.
PUBLIC = [
    ("encoded_term.hpp", "base"),
    ("detail/shared_octets.hpp", "base"),
    ("result.hpp", "base"),
    ("node_name.hpp", "term"),
    ("fmt.hpp", "term"),
    ("term.hpp", "term"),
    ("codec.hpp", "term"),
    ("exit_reason.hpp", "term"),
    ("remote.hpp", "term"),
    ("id.hpp", "term"),
    ("detail/id_key.hpp", "term"),
    ("strategies.hpp", "core"),
    ("future.hpp", "process"),
    ("task.hpp", "process"),
    ("child_ref.hpp", "process"),
    ("program_options.hpp", "exec"),
    ("child_spec.hpp", "supervisor"),
    ("results.hpp", "supervisor"),
    ("worker.hpp", "process"),
    ("supervisor_spec.hpp", "process"),
    ("log.hpp", "process"),
    ("discovery.hpp", "node"),
    ("tls.hpp", "node"),
    ("node.hpp", "supervisor"),
    ("supervisor.hpp", "supervisor"),
    ("history.hpp", "supervisor"),
    ("hooks.hpp", "supervisor"),
    ("scoreboard.hpp", "supervisor"),
    ("brood.hpp", "supervisor"),
    ("detail/*codec*.hpp", "term"),
    ("detail/type_name.hpp", "term"),
    ("detail/future_core.hpp", "process"),
    ("detail/worker*.hpp", "process"),
]


def public_owner(name):
    """The layer of <brood/name>, or None."""
    return next((layer for pattern, layer in PUBLIC if fnmatch.fnmatch(name, pattern)), None)


# What the programs and the other folders may include of the layers. None: only public headers.
FOLDERS = {
    "apps/brood": ["base", "term", "process", "node", "exec", "supervisor", "ops"],
    "apps/sim": ["base", "term", "core", "sim"],
    "examples": [],
    "tests": [],
}


def visible(layer):
    """The layers that `layer` may include, itself among them."""
    seen = {layer}
    for below in BELOW[layer]:
        seen |= visible(below)
    return seen


def core_part(name):
    """The part of the core that "core/PART/file.hpp" or a file of src/core belongs to, or None if it is of no part."""
    pieces = name.split("/")[1:]
    part = pieces[0] if len(pieces) > 1 else "machine"
    return part if part in CORE_PARTS else None
