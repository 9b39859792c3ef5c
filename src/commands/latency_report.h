// What LATENCY GRAPH and LATENCY DOCTOR make of recorded events. Engine thread only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/latency_monitor.h"
#include "settings/settings.h"

namespace hearth::commands {

// A column for each sample, four rows high, the age of each below it.
std::string DrawLatencyGraph(std::string_view event, const engine::LatencySeries& series,
                             int64_t now_seconds);

// In words: what was slow, how often and how badly, and what may be done about it.
std::string ExplainLatency(const engine::LatencyMonitor& monitor, const settings::Settings& settings,
                           int64_t now_seconds);

}  // namespace hearth::commands
