/* bcryptprimitives.dll for a Wine that lacks it: Rust's standard library takes its random numbers from there. */
__declspec(dllimport) int __stdcall SystemFunction036(void *buffer, unsigned long size);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, unsigned long long size) {
  while (size > 0) {
    unsigned long part = size < 0x40000000 ? (unsigned long)size : 0x40000000;
    if (!SystemFunction036(buffer, part)) return 0;
    buffer += part;
    size -= part;
  }
  return 1;
}
