"""The only home of pydicom, numpy and the codecs: bytes to data sets, frames and back."""
