/**
 * How far an import goes beyond data. `data`: on the list of what is known to make plain values only. `code`: classes and functions that are
 * not known. `dangerous`: known to run what it is given, to read and write files, or to reach the network. `unresolved`: no name at all.
 */
export type ImportLevel = "data" | "code" | "dangerous" | "unresolved";

/** Where the pickle lies, which decides on what is normal in it. */
export type PickleHome = "plain" | "torch" | "torchscript";

export type ImportRules = {
  readonly home: PickleHome;
  /** What the user vouches for: `module.name`, or `module.*` for everything below that is not known to be dangerous. */
  readonly allowed: readonly string[];
};

/** Names of Python 2, under which an older protocol writes what Python 3 has elsewhere (`_compat_pickle.py`). */
const MOVED_MODULES: Readonly<Record<string, string>> = {
  __builtin__: "builtins",
  __builtins__: "builtins",
  copy_reg: "copyreg",
  cPickle: "pickle",
  cStringIO: "io",
  StringIO: "io",
};

/** Reads a name as Python finds it, and looks it up. */
export function judgeImport(module: string, name: string, rules: ImportRules): { path: string; level: ImportLevel } {
  const place = MOVED_MODULES[module] ?? module;
  const path = `${place}.${name}`;
  if (!isName(place) || !isName(name)) return { path, level: "unresolved" };
  // Exactly so: `torch` and `os.system` are found as one attribute of another.
  if (rules.allowed.includes(path)) return { path, level: "data" };
  if (isDangerous(place, name)) return { path, level: "dangerous" };
  if (!name.includes(".") && isData(path, rules.home)) return { path, level: "data" };
  if (rules.allowed.some((rule) => rule.endsWith(".*") && path.startsWith(rule.slice(0, -1))))
    return { path, level: "data" };
  return { path, level: "code" };
}

function isName(text: string): boolean {
  return /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(text);
}

function isData(path: string, home: PickleHome): boolean {
  return DATA.has(path) || (home === "torchscript" && (path.startsWith("__torch__.") || TORCHSCRIPT.has(path)));
}

/** Also through attributes: `sklearn` with the name `utils.os.system`. */
function isDangerous(module: string, name: string): boolean {
  if (isListed(module, name)) return true;
  const attributes = name.split(".");
  const last = attributes.at(-1) ?? "";
  return attributes.slice(0, -1).some((_, i) => isListed(attributes.slice(i, -1).join("."), last));
}

function isListed(module: string, name: string): boolean {
  const parts = module.split(".");
  const isWhole = parts.some((_, i) => DANGEROUS_MODULES.has(parts.slice(0, i + 1).join(".")));
  if (isWhole) return true;
  // Both `builtins.eval` and what lies below it.
  const path = [...parts, ...name.split(".")];
  return path.some((_, i) => DANGEROUS_NAMES.has(path.slice(0, i + 1).join("."))) || DUNDER.test(`.${name}.`);
}

/** Doors from any object to the interpreter. */
const DUNDER =
  /\.(__globals__|__builtins__|__subclasses__|__code__|__import__|__getattribute__|__loader__|__dict__|__class__)\./;

const words = (text: string) => text.trim().split(/\s+/);

const TORCH_NUMBERS = words("BFloat16 Bool Byte Char ComplexDouble ComplexFloat Double Float Half Int Long Short");
const TORCH_QUANTISED = words("QInt32 QInt8 QUInt2x4 QUInt4x2 QUInt8");
const TORCH_TYPES = words(`
  bool bfloat16 float16 float32 float64 half float double complex32 complex64 complex128 chalf cfloat cdouble
  int1 int2 int3 int4 int5 int6 int7 int8 int16 int32 int64 short int long
  uint1 uint2 uint3 uint4 uint5 uint6 uint7 uint8 uint16 uint32 uint64 bits8 bits16 bits1x8 bits2x4 bits4x2
  float8_e5m2 float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz float8_e8m0fnu float4_e2m1fn_x2
  qint8 qint32 quint8 quint4x2 quint2x4
  per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric per_channel_affine_float_qparams
  Size Tensor device strided sparse_coo`);

/** Make values and nothing else. Torch's are what its own `weights_only` loader takes (2.13); numpy's are what arrays need. */
const DATA: ReadonlySet<string> = new Set([
  ...words(`
    collections.OrderedDict collections.Counter collections.defaultdict collections.deque
    _codecs.encode copyreg._reconstructor
    datetime.date datetime.datetime datetime.time datetime.timedelta datetime.timezone decimal.Decimal fractions.Fraction uuid.UUID`),
  ...words(`
    bool bytearray bytes complex dict float frozenset int list long object range set slice str tuple unicode xrange
    Ellipsis NotImplemented None`).map((name) => `builtins.${name}`),
  ...words(`
    numpy.dtype numpy.ndarray numpy.core.multiarray._reconstruct numpy._core.multiarray._reconstruct
    numpy.core.multiarray.scalar numpy._core.multiarray.scalar numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer
    joblib.numpy_pickle.NumpyArrayWrapper`),
  ...words(
    `bool_ bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128 str_ bytes_`,
  ).map((name) => `numpy.${name}`),
  ...TORCH_TYPES.map((name) => `torch.${name}`),
  ...words(`
    torch.nn.parameter.Parameter torch.nn.parameter.Buffer torch.serialization._get_layout torch._tensor._rebuild_from_type_v2
    torch.storage.TypedStorage torch.storage.UntypedStorage torch.storage._TypedStorage torch.storage._UntypedStorage`),
  ...words(`
    tensor tensor_v2 tensor_v3 parameter parameter_with_state qtensor sparse_tensor sparse_csr_tensor nested_tensor meta_tensor_no_storage
    wrapper_subclass device_tensor_from_numpy device_tensor_from_cpu_tensor`).map(
    (name) => `torch._utils._rebuild_${name}`,
  ),
  ...TORCH_NUMBERS.flatMap((name) =>
    words("torch torch.cuda").flatMap((module) => [
      `${module}.${name}Storage`,
      `${module}.${name}Tensor`,
      `${module}.sparse.${name}Tensor`,
    ]),
  ),
  ...TORCH_QUANTISED.flatMap((name) => [`torch.${name}Storage`, `torch.${name}Tensor`]),
]);

/** How TorchScript writes its constants; they run what TorchScript can do, not Python. */
const TORCHSCRIPT: ReadonlySet<string> = new Set(
  words("intlist tensorlist doublelist boollist tensor_from_id")
    .map((name) => `torch.jit._pickle.build_${name}`)
    .concat("torch.jit._pickle.restore_type_tag"),
);

/** Nothing of these belongs into a model, whatever its name. */
const DANGEROUS_MODULES: ReadonlySet<string> = new Set(
  words(`
    os posix nt posixpath ntpath subprocess _posixsubprocess sys socket _socket ssl runpy pty shutil ctypes _ctypes importlib _frozen_importlib
    _frozen_importlib_external imp pickle _pickle dill cloudpickle jsonpickle pickletools pkgutil pydoc pip ensurepip venv idlelib lib2to3 distutils
    setuptools pkg_resources timeit pdb bdb cProfile profile trace doctest code codeop asyncio webbrowser urllib urllib2 httplib http ftplib
    smtplib imaplib poplib telnetlib nntplib xmlrpc socketserver requests httpx aiohttp paramiko fabric multiprocessing concurrent threading _thread signal
    commands popen2 platform tempfile glob fileinput linecache zipimport zipfile tarfile shelve dbm sqlite3 _sqlite3 marshal inspect gc atexit faulthandler
    mmap fcntl resource winreg _winreg msvcrt _winapi sysconfig site builtins.__dict__ test unittest pytest _pytest logging.config torch.hub
    torch.utils.cpp_extension torch._dynamo torch._inductor torch.distributed.rpc numpy.f2py numpy.distutils numpy.testing antigravity turtle tkinter
    wsgiref curses readline rlcompleter io _io pathlib._local nturl2path genericpath torch.package yaml ruamel
    IPython scipy._lib._testutils torch.testing git sh plumbum pexpect invoke`),
);

/** Single functions and classes of modules that have others. */
const DANGEROUS_NAMES: ReadonlySet<string> = new Set([
  ...words(`
    eval exec compile getattr setattr delattr hasattr open __import__ breakpoint globals locals vars dir input raw_input apply execfile file reload
    map filter memoryview type super property classmethod staticmethod callable iter next exit quit help __build_class__ copyright credits license`).map(
    (name) => `builtins.${name}`,
  ),
  ...words(`
    operator.attrgetter operator.itemgetter operator.methodcaller operator.call _operator.attrgetter _operator.itemgetter _operator.methodcaller
    _operator.call functools.partial functools.partialmethod functools.reduce functools.singledispatch functools.cached_property _functools.partial
    _functools.reduce types.CodeType types.FunctionType types.LambdaType types.MethodType types.ModuleType types.new_class
    copyreg.add_extension copyreg.pickle copyreg.__newobj__ copyreg.__newobj_ex__ codecs.open codecs.decode codecs.lookup _codecs.decode _codecs.lookup
    _codecs.register weakref.finalize contextlib.ExitStack itertools.starmap itertools.accumulate
    joblib.load joblib.numpy_pickle.load joblib.numpy_pickle_utils joblib.memory joblib.externals joblib.parallel
    joblib.numpy_pickle_compat
    numpy.load numpy.save numpy.fromfile numpy.memmap numpy.loadtxt numpy.genfromtxt numpy.lib.npyio numpy.lib._npyio_impl numpy.vectorize
    numpy.fromregex numpy.tofile numpy.apply_along_axis numpy.apply_over_axes numpy.piecewise
    pandas.read_pickle pandas.eval pandas.io pandas.core.computation
    torch.load torch.save torch.serialization.load torch.jit.load torch.compile torch.jit.unsupported_tensor_ops torch.ops.load_library
    torch._ops torch.classes.load_library torch.utils._config_module torch.utils.bottleneck torch.utils.collect_env torch.utils.data.datapipes
    torch.utils.benchmark torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression torch.fx.graph_module torch.cuda._get_device_index
    torch._C._jit_script_interface_compile
    keras.models.load_model tensorflow.io tensorflow.py_function tensorflow.numpy_function tensorflow.load_library tensorflow.load_op_library
    transformers.dynamic_module_utils sklearn.datasets.fetch_file sklearn.datasets.load_files
    uuid._get_command_stdout uuid._popen xgboost.core._LIB mlflow.pyfunc.load_model
    logging.FileHandler logging.handlers pathlib.Path.open pathlib.Path.read_text pathlib.Path.write_text pathlib.Path.unlink`),
]);
