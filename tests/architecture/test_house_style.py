"""How files and names look, held by reading the tree. A rule that turns out wrong is changed here, for everybody."""

import ast
import re
from collections import Counter

from tests.architecture.source import LAYERS, ROOT, Function, Source, called, sources

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
FOLDERS_OF_MANY = {
    "channels": 18,
    "domain": 20,
    "api/routes": 22,
    "application/use_cases": 20,
    "api/http": 15,
    "tests/domain": 20,
}
"""A file a medium, a use case, a resource, or a thing that people of the trade talk about."""
FOLDER_FILES_MAX = 14
TEST_FOLDER_FILES_MAX = 16
TEST_NAME_WORDS_MIN = 3

# Words that say nothing about the contact center, or promise a second responsibility.
BANNED_WORDS = {"abstract", "base", "common", "data", "handle", "handler", "helper", "impl", "info", "manager", "misc"}
BANNED_WORDS |= {"process", "service", "util", "utils"}

# Names that the words of the field, or others' interfaces, give us.
WORDS_WITH_A_MEANING = {
    "data": re.compile(r"associated_data|handle_DATA|data_received"),  # of AES-GCM; hooks of an SMTP server, of asyncio
    "handle": re.compile(
        r"handle|Handle|(.*_)?handle_.*|.*_handle|Handle[A-Z].*|.*Handle"
    ),  # a person's address; handle time
    "service": re.compile(r".*service_level.*|.*ServiceLevel.*|customer_service_window"),
    "process": re.compile(r"process(_event)?"),  # an operating system's process; eventsourcing's own hook
}

DOMAIN_MODULES_WITHOUT_RESULTS_TO_REPEAT = {"asyncio", "random", "secrets", "socket", "threading", "time"}
DOMAIN_CALLS_WITHOUT_RESULTS_TO_REPEAT = re.compile(r"(.*\.)?(now|utcnow|today|uuid1|uuid4|open|urandom)")

MAY_PRINT = re.compile(r"api/(command_line|demo)|tests/benchmarks/")
MAY_READ_THE_ENVIRONMENT = re.compile(r"api/settings\.py|tests/")
MAY_WAIT = {
    "tests/waiting.py",  # the one place that polls, for all tests
    "tests/benchmarks/deployment.py",  # asks a server in another process whether it is ready
    "tests/benchmarks/accept.py",  # keeps a rate, as the next
    "tests/benchmarks/push.py",  # keeps a rate, which is what it is for
}

SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|DROP|ALTER|TRUNCATE|WITH|LOCK|COPY)\s", re.DOTALL)
UNFINISHED = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")


def own_sources() -> list[Source]:
    return [source for source in sources() if not source.is_test]


def functions(source: Source) -> list[Function]:
    return [*source.nodes(ast.FunctionDef), *source.nodes(ast.AsyncFunctionDef)]


def definitions(source: Source) -> list[ast.ClassDef | Function]:
    return [*source.nodes(ast.ClassDef), *functions(source)]


def imports(source: Source) -> list[ast.Import | ast.ImportFrom]:
    return [*source.nodes(ast.Import), *source.nodes(ast.ImportFrom)]


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]


def words(name: str) -> set[str]:
    """`OfferHandler` and `offer_handler` hold the same words: {"offer", "handler"}."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+[0-9]*", name)}


def is_banned(name: str) -> bool:
    said = words(name) & BANNED_WORDS
    return any(
        not (word in WORDS_WITH_A_MEANING and WORDS_WITH_A_MEANING[word].fullmatch(name.strip("_"))) for word in said
    )


def test_every_module_says_its_one_responsibility() -> None:
    silent = [source.path for source in sources() if not ast.get_docstring(source.tree)]

    assert not silent, "begin these files with a docstring that says what they are for"


def test_a_package_holds_nothing_but_its_docstring() -> None:
    packages = [source for source in sources() if source.path.endswith("__init__.py")]
    full = [source.path for source in packages if len(source.tree.body) > 1]

    assert not full, "move this code to a module: one thing has one import path"


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {source.path.rpartition("/")[0] for source in sources()}
    packages = {
        source.path.removesuffix("/__init__.py") for source in sources() if source.path.endswith("/__init__.py")
    }

    bare = sorted(folders - packages)
    assert not bare, "give these folders an __init__.py that says what is in them"


def test_files_stay_short() -> None:
    long = {source.path: lines for source in sources() if (lines := source.text.count("\n")) > FILE_LINES_MAX}

    assert not long, f"more than {FILE_LINES_MAX} lines: which second responsibility can leave?"


def test_functions_stay_short() -> None:
    lengths = {
        f"{source.at(function)} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for source in sources()
        for function in functions(source)
    }

    long = {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES_MAX}
    assert not long, f"more than {FUNCTION_LINES_MAX} lines: which step deserves a name?"


def test_folders_stay_small() -> None:
    files = Counter(source.path.rpartition("/")[0] for source in sources() if not source.path.endswith("__init__.py"))

    def files_max(folder: str) -> int:
        usual = TEST_FOLDER_FILES_MAX if folder.startswith("tests") else FOLDER_FILES_MAX
        return FOLDERS_OF_MANY.get(folder, usual)

    crowded = {folder: count for folder, count in files.items() if count > files_max(folder)}
    assert not crowded, "too many files to take in at one look: which of them belong together?"


def test_names_say_something() -> None:
    modules = [source.path for source in own_sources() if is_banned(source.path.rpartition("/")[2].removesuffix(".py"))]
    defined = [
        f"{source.at(node)} {node.name}"
        for source in own_sources()
        for node in definitions(source)
        if is_banned(node.name)
    ]

    meaningless = modules + defined
    assert not meaningless, f"find the domain's word instead of one of {sorted(BANNED_WORDS)}"


def test_refusals_are_named_after_the_broken_rule() -> None:
    suffixed = [
        f"{source.at(node)} {node.name}"
        for source in own_sources()
        for node in source.nodes(ast.ClassDef)
        if node.name.endswith(("Error", "Exception"))
    ]

    assert not suffixed, "say which rule was broken (ConversationClosed), without an Error suffix"


def test_nothing_is_left_unfinished() -> None:
    unfinished = [
        f"{source.path}:{number}"
        for source in sources()
        for number, line in enumerate(source.text.splitlines(), start=1)
        if UNFINISHED.search(line) and not source.path.startswith("tests/architecture/")
    ]

    assert not unfinished, "do it, or open an issue"


def test_only_the_command_line_and_the_benchmarks_print() -> None:
    printing = [
        source.at(call)
        for source in sources()
        if not MAY_PRINT.match(source.path)
        for call in source.nodes(ast.Call)
        if called(call.func) == "print"
    ]

    assert not printing, "log it, or return it to whoever may print"


def built_text(node: ast.expr) -> str:
    """The first text of an expression that builds one at run time (f-string, +, %, format), or nothing."""
    match node:
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), _, *_]):
            return text
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add() | ast.Mod()):
            return text
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return text
    return ""


def test_sql_is_never_built_from_text() -> None:
    built = [
        source.at(node) for source in own_sources() for node in source.nodes(ast.expr) if SQL.match(built_text(node))
    ]

    assert not built, "name the statement as a constant and pass values as parameters (psycopg.sql for identifiers)"


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        source.at(node)
        for source in sources()
        if not MAY_READ_THE_ENVIRONMENT.match(source.path)
        for node in source.nodes(ast.Attribute)
        if called(node) in {"os.environ", "os.getenv", "os.environb"}
    ]

    assert not readers, "take the value as an argument; api/settings.py reads the environment once"


def test_the_domain_has_no_clock_no_chance_and_no_input() -> None:
    domain = [source for source in sources() if source.path.startswith("domain/")]
    impure_imports = [
        source.at(node)
        for source in domain
        for node in imports(source)
        if {name.partition(".")[0] for name in imported(node)} & DOMAIN_MODULES_WITHOUT_RESULTS_TO_REPEAT
    ]
    impure_calls = [
        source.at(call)
        for source in domain
        for call in source.nodes(ast.Call)
        if DOMAIN_CALLS_WITHOUT_RESULTS_TO_REPEAT.fullmatch(called(call.func))
    ]
    waiting = [source.at(function) for source in domain for function in source.nodes(ast.AsyncFunctionDef)]

    impure = impure_imports + impure_calls + waiting
    assert not impure, "time and new ids are arguments: the same arguments give the same result"


def test_tests_wait_for_conditions_not_for_time() -> None:
    sleeping = [
        source.at(call)
        for source in sources()
        if source.is_test and source.path not in MAY_WAIT
        for call in source.nodes(ast.Call)
        if called(call.func) in {"time.sleep", "asyncio.sleep", "sleep"} and not is_zero(call)
    ]

    assert not sleeping, "use tests.waiting.wait_until, or catch_up()"


def test_a_test_is_named_after_its_claim() -> None:
    vague = [
        f"{source.at(function)} {function.name}"
        for source in sources()
        if source.is_test
        for function in functions(source)
        if function.name.startswith("test_") and function.name.count("_") < TEST_NAME_WORDS_MIN
    ]

    assert not vague, "say what holds: test_a_redelivered_message_is_recorded_once"


def is_zero(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


def test_the_top_level_is_the_layers_and_nothing_else() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py") if not path.parent.name.startswith(".")}

    assert folders == {*LAYERS, "tests"}
