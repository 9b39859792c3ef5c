// Asks for a cache line ahead of its use.
#pragma once

namespace hearth {

// Never faults, whatever the address. An instruction of its own instead of __builtin_prefetch, because GCC
// takes a function that only prefetches for one without effects and drops the calls to it.
inline void Prefetch(const void* address) {
#if defined(__x86_64__)
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(address)));
#elif defined(__aarch64__)
  asm volatile("prfm pldl1keep, [%0]" : : "r"(address));
#endif
}

}  // namespace hearth
