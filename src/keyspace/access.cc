#include "keyspace/access.h"

#include <algorithm>

#include "keyspace/entry.h"

namespace hearth::keyspace {
namespace {

constexpr uint8_t kFirstFrequency = 5;

uint32_t LruSeconds(int64_t now_ms) { return static_cast<uint32_t>(now_ms / 1000) & Entry::kAccessMask; }
uint32_t LfuMinutes(int64_t now_ms) { return static_cast<uint32_t>(now_ms / 60000) & 0xffff; }

}  // namespace

bool IsLfuPolicy(const settings::Settings& settings) {
  return settings.maxmemory_policy == settings::MaxmemoryPolicy::kAllkeysLfu ||
         settings.maxmemory_policy == settings::MaxmemoryPolicy::kVolatileLfu;
}

uint32_t FirstAccess(const settings::Settings& settings, int64_t now_ms) {
  if (IsLfuPolicy(settings)) return LfuMinutes(now_ms) << 8 | kFirstFrequency;
  return LruSeconds(now_ms);
}

uint32_t RestoredAccess(const settings::Settings& settings, int64_t now_ms, int64_t idle_seconds,
                        int frequency) {
  if (IsLfuPolicy(settings)) {
    if (frequency < 0) return FirstAccess(settings, now_ms);
    return LfuMinutes(now_ms) << 8 | static_cast<uint32_t>(frequency);
  }
  if (idle_seconds < 0) return FirstAccess(settings, now_ms);
  // Longer than the bits can tell is as long as they can tell.
  const auto idle = static_cast<uint32_t>(std::min<int64_t>(idle_seconds, Entry::kAccessMask));
  return (LruSeconds(now_ms) - idle) & Entry::kAccessMask;
}

uint32_t TouchedAccess(uint32_t access, const settings::Settings& settings, int64_t now_ms, Prng& random) {
  if (!IsLfuPolicy(settings)) return LruSeconds(now_ms);
  uint8_t counter = Frequency(access, settings, now_ms);
  if (counter < 255) {
    const double excess = counter > kFirstFrequency ? counter - kFirstFrequency : 0;
    const double chance = 1.0 / (excess * static_cast<double>(settings.lfu_log_factor) + 1);
    if (random.Unit() < chance) ++counter;
  }
  return LfuMinutes(now_ms) << 8 | counter;
}

int64_t IdleMs(uint32_t access, int64_t now_ms) {
  return static_cast<int64_t>((LruSeconds(now_ms) - access) & Entry::kAccessMask) * 1000;
}

uint8_t Frequency(uint32_t access, const settings::Settings& settings, int64_t now_ms) {
  const uint32_t counter = access & 0xff;
  if (settings.lfu_decay_time == 0) return static_cast<uint8_t>(counter);
  const uint32_t minutes = (LfuMinutes(now_ms) - (access >> 8)) & 0xffff;
  const uint32_t periods = minutes / static_cast<uint32_t>(settings.lfu_decay_time);
  return static_cast<uint8_t>(counter - std::min(counter, periods));
}

}  // namespace hearth::keyspace
