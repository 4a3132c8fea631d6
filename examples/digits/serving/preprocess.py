"""From the tensor of a request to what the model was trained on."""

import numpy

WHITE = 16  # the largest value of a pixel
READS = {"FP32": numpy.float32, "UINT8": numpy.uint8}


def pixels_of(tensor: dict) -> numpy.ndarray:
    """The pictures of an input tensor, a row each, pixels as they were sent. A ValueError says what is wrong."""
    if tensor.get("name") != "pixels":
        raise ValueError(f"the input is named 'pixels' (saw {tensor.get('name')!r})")
    datatype = tensor.get("datatype")
    if datatype not in READS:
        raise ValueError(f"pixels are {' or '.join(READS)} (saw {datatype!r})")
    shape = tensor.get("shape")
    if not (isinstance(shape, list) and len(shape) == 2 and shape[1] == 64 and type(shape[0]) is int and shape[0] > 0):
        raise ValueError(f"the shape is [n, 64] (saw {shape!r})")
    try:
        values = numpy.asarray(tensor.get("data"), dtype=numpy.float64)
    except (TypeError, ValueError) as fault:
        raise ValueError("data is a list of numbers") from fault
    if values.size != shape[0] * 64:
        raise ValueError(f"data has {shape[0] * 64} values for shape {shape} (saw {values.size})")
    if datatype == "UINT8" and (values % 1).any():
        raise ValueError("UINT8 are whole numbers")
    if not (values.min() >= 0 and values.max() <= WHITE):
        raise ValueError(f"a pixel is from 0 to {WHITE} (saw {values.min():g} to {values.max():g})")
    return values.reshape(shape).astype(READS[datatype])


def features_of(pixels: numpy.ndarray) -> numpy.ndarray:
    """Scaled to 0..1, as in training."""
    return pixels.astype(numpy.float32) / WHITE
