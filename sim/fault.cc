#include "sim/fault.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "base/assert.h"

namespace hearth::sim {
namespace {

constexpr int64_t kShortestUs = 5 * kMillisecond;
constexpr int64_t kLongestSlownessUs = 400 * kMillisecond;
constexpr int64_t kLongestJumpUs = 3600 * kSecond;

Fault::Kind PickKind(Prng& random, const FaultMix& mix) {
  const int sum = std::accumulate(std::begin(mix.weights), std::end(mix.weights), 0);
  HEARTH_ASSERT(sum > 0);
  int left = static_cast<int>(random.Below(static_cast<uint64_t>(sum)));
  int kind = 0;
  while (left >= mix.weights[kind]) left -= mix.weights[kind++];
  return static_cast<Fault::Kind>(kind);
}

// Short ones are as likely as long ones: what matters is which of the timeouts they outlast.
int64_t PickDuration(Prng& random, int64_t longest_us) {
  int64_t duration_us = longest_us;
  for (uint64_t halvings = random.Below(8); halvings > 0; --halvings) duration_us /= 2;
  return std::max(kShortestUs, duration_us / 2 + static_cast<int64_t>(random.Below(duration_us / 2 + 1)));
}

}  // namespace

std::string Describe(const Fault& fault) {
  const auto for_ms = fault.for_us / kMillisecond;
  switch (fault.kind) {
    case Fault::Kind::kPartition:
      return fmt::format("hosts {:#b} are cut off from the others for {} ms", fault.value, for_ms);
    case Fault::Kind::kIsolation:
      return fmt::format("hosts {:#b} {} for {} ms", fault.value,
                         fault.a == 0 ? "hear nobody" : "are not heard", for_ms);
    case Fault::Kind::kOneWay:
      return fmt::format("nothing comes from host {} to {} for {} ms", fault.a, fault.b, for_ms);
    case Fault::Kind::kBreak:
      return fmt::format("connections between host {} and {} are reset", fault.a, fault.b);
    case Fault::Kind::kSlow:
      return fmt::format("host {} to {} takes {} us more for {} ms", fault.a, fault.b, fault.value, for_ms);
    case Fault::Kind::kStop:
      return fmt::format("host {} is stopped for {} ms", fault.a, for_ms);
    case Fault::Kind::kKill:
      return fmt::format("host {} is killed for {} ms", fault.a, for_ms);
    case Fault::Kind::kPowerOff:
      return fmt::format("host {} has no power for {} ms", fault.a, for_ms);
    case Fault::Kind::kWallJump:
      return fmt::format("the wall clock of host {} jumps by {} ms", fault.a, fault.value / kMillisecond);
    case Fault::Kind::kOperator:
      return fmt::format("operator at host {} ({}, {})", fault.a, fault.b, fault.value);
  }
  return "";
}

std::vector<Fault> PlanFaults(Prng& random, const FaultMix& mix) {
  HEARTH_ASSERT(mix.host_count >= 2 && mix.until_us > mix.from_us + mix.longest_us);
  std::vector<Fault> faults;
  const auto hosts = static_cast<uint64_t>(mix.host_count);
  for (uint64_t left = random.Below(static_cast<uint64_t>(mix.most) + 1); left > 0; --left) {
    Fault fault{.kind = PickKind(random, mix)};
    fault.for_us = PickDuration(random, mix.longest_us);
    fault.at_us = mix.from_us + static_cast<int64_t>(random.Below(mix.until_us - mix.from_us - fault.for_us));
    fault.a = static_cast<HostId>(random.Below(hosts));
    if (mix.favourite >= 0 && random.Below(4) == 0) fault.a = mix.favourite;
    fault.b = static_cast<HostId>((fault.a + 1 + random.Below(hosts - 1)) % hosts);
    switch (fault.kind) {
      case Fault::Kind::kPartition:
      case Fault::Kind::kIsolation:
        // Neither nobody nor everybody.
        fault.value = 1 + static_cast<int64_t>(random.Below((uint64_t{1} << hosts) - 2));
        if (fault.kind == Fault::Kind::kIsolation) fault.a = static_cast<HostId>(random.Below(2));
        break;
      case Fault::Kind::kSlow:
        fault.value = static_cast<int64_t>(random.Below(kLongestSlownessUs));
        break;
      case Fault::Kind::kWallJump:
        fault.value = static_cast<int64_t>(random.Below(2 * kLongestJumpUs)) - kLongestJumpUs;
        break;
      default:
        fault.value = static_cast<int64_t>(random.Below(uint64_t{1} << 32));
    }
    faults.push_back(fault);
  }
  std::stable_sort(faults.begin(), faults.end(),
                   [](const Fault& x, const Fault& y) { return x.at_us < y.at_us; });
  return faults;
}

}  // namespace hearth::sim
