// The 24 access bits of an entry, by which eviction tells warm keys from cold ones.
//
// Under LRU policies they are the last access in seconds, wrapping after 194 days. Under LFU policies the
// upper 16 are the time in minutes at which the lower 8, a logarithmic counter, were last decayed (Morris
// 1978): the counter rises with probability 1 / (excess * lfu-log-factor + 1) and falls by one each
// lfu-decay-time minutes.
#pragma once

#include <cstdint>

#include "base/prng.h"
#include "settings/settings.h"

namespace hearth::keyspace {

bool IsLfuPolicy(const settings::Settings& settings);

// The bits of a new key: a counter that gives it a chance to prove itself.
uint32_t FirstAccess(const settings::Settings& settings, int64_t now_ms);

// The bits of a key that comes with its history: seconds since its last access (for LRU policies) or its
// counter (for LFU policies). What is below zero is not known, and what the policy does not use is ignored.
uint32_t RestoredAccess(const settings::Settings& settings, int64_t now_ms, int64_t idle_seconds,
                        int frequency);

// The bits after one more access.
uint32_t TouchedAccess(uint32_t access, const settings::Settings& settings, int64_t now_ms, Prng& random);

// Milliseconds since the last access, under an LRU policy; one second exact.
int64_t IdleMs(uint32_t access, int64_t now_ms);

// The counter as of now, 0..255, under an LFU policy.
uint8_t Frequency(uint32_t access, const settings::Settings& settings, int64_t now_ms);

}  // namespace hearth::keyspace
