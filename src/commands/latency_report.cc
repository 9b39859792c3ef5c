#include "commands/latency_report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include <fmt/format.h>

namespace hearth::commands {
namespace {

using engine::LatencySample;
using engine::LatencySeries;

constexpr size_t kColumns = 80;
constexpr int kRows = 4;
// What fills the lower, middle and upper third of a cell.
constexpr std::string_view kThirds = "_o#";

// "12s", "3m", "5h", "2d": how long ago.
std::string AgeText(int64_t seconds) {
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 86400) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

struct Column {
  int height;  // in thirds of a row, from 0
  std::string label;
};

// Some columns side by side: their curve from the top row down, an empty row, and the labels read downwards.
void DrawColumns(const std::vector<Column>& columns, std::string& text) {
  for (int row = kRows - 1; row >= 0; --row) {
    for (const Column& column : columns) {
      const int thirds = column.height - 3 * row;
      text += thirds < 0 ? ' ' : thirds < 3 ? kThirds[static_cast<size_t>(thirds)] : '|';
    }
    text += '\n';
  }
  text.append(columns.size(), ' ');
  size_t longest = 0;
  for (const Column& column : columns) longest = std::max(longest, column.label.size());
  for (size_t i = 0; i < longest; ++i) {
    text += '\n';
    for (const Column& column : columns) text += i < column.label.size() ? column.label[i] : ' ';
  }
  text += '\n';
}

struct Statistics {
  double mean_ms = 0;
  double deviation_ms = 0;  // the mean of the distances from the mean
  double period_seconds = 0;
};

Statistics StatisticsOf(const LatencySeries& series, int64_t now_seconds) {
  const double count = static_cast<double>(series.size());
  Statistics statistics;
  for (size_t i = 0; i < series.size(); ++i) statistics.mean_ms += static_cast<double>(series[i].ms) / count;
  for (size_t i = 0; i < series.size(); ++i) {
    statistics.deviation_ms += std::abs(static_cast<double>(series[i].ms) - statistics.mean_ms) / count;
  }
  statistics.period_seconds = static_cast<double>(now_seconds - series[0].at_seconds) / count;
  return statistics;
}

struct Advice {
  std::string_view event;  // the beginning of its name
  std::string_view text;
};

constexpr Advice kAdvice[] = {
    {"command",
     "SLOWLOG GET lists the commands that took long. Those that look at many elements at once (KEYS, "
     "SMEMBERS, "
     "SORT, large ranges) can be done in steps with SCAN and its kin."},
    {"fast-command",
     "Commands that are fast by nature were slow: the process was probably not running. Look for a busy "
     "processor, swapping, or a virtual machine whose neighbours take its time."},
    {"expire",
     "Many keys expire at the same time. Spreading their expiry over some seconds makes each turn shorter; "
     "lazyfree-lazy-expire frees large ones in the background."},
    {"eviction",
     "Eviction works hard. maxmemory-eviction-tenacity bounds how long it may take at once; "
     "lazyfree-lazy-eviction frees large values in the background."},
    {"aof",
     "The disk of the append-only file is slow. 'appendfsync everysec' asks less of it than 'always', and "
     "no-appendfsync-on-rewrite leaves it alone while the file is rewritten. The server itself does not wait "
     "for the disk; replies held back by 'appendfsync always' do."},
    {"active-defrag",
     "Active defragmentation takes long turns: lower active-defrag-cycle-max, or turn activedefrag off."},
};

bool IsAdviceFor(const Advice& advice, std::string_view event) {
  return advice.event == "command" ? event == "command" : event.starts_with(advice.event);
}

}  // namespace

std::string DrawLatencyGraph(std::string_view event, const LatencySeries& series, int64_t now_seconds) {
  int64_t high = series[0].ms;
  int64_t low = series[0].ms;
  for (size_t i = 0; i < series.size(); ++i) {
    high = std::max(high, series[i].ms);
    low = std::min(low, series[i].ms);
  }
  std::string text =
      fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n", event, high, low, series.max_ms());
  text.append(kColumns, '-');
  text += '\n';
  std::vector<Column> columns;
  for (size_t i = 0; i < series.size(); ++i) {
    const double share =
        high == low ? 0 : static_cast<double>(series[i].ms - low) / static_cast<double>(high - low);
    const int height = std::min(static_cast<int>(share * 3 * kRows), 3 * kRows - 1);
    columns.push_back({height, AgeText(std::max<int64_t>(0, now_seconds - series[i].at_seconds))});
    if (columns.size() == kColumns || i + 1 == series.size()) {
      DrawColumns(columns, text);
      columns.clear();
    }
  }
  return text;
}

std::string ExplainLatency(const engine::LatencyMonitor& monitor, const settings::Settings& settings,
                           int64_t now_seconds) {
  if (!monitor.is_on() && monitor.events().empty()) {
    return "The latency monitor is off, so that there is nothing to examine. Turn it on with CONFIG SET "
           "latency-monitor-threshold <milliseconds>; 100 is a good value to begin with.\n";
  }
  if (monitor.events().empty()) return "Nothing has been slow so far.\n";
  std::string text = "What has been slow:\n\n";
  int number = 0;
  for (const auto& [event, series] : monitor.events()) {
    const Statistics statistics = StatisticsOf(series, now_seconds);
    fmt::format_to(
        std::back_inserter(text),
        "{}. {}: {} latency spikes (average {:.0f}ms, mean deviation {:.0f}ms, period {:.2f} sec). "
        "The worst of all took {}ms.\n",
        ++number, event, series.size(), statistics.mean_ms, statistics.deviation_ms,
        statistics.period_seconds, series.max_ms());
  }
  text += "\nWhat may help:\n\n";
  const int64_t slowlog_us = settings.slowlog_log_slower_than;
  if (slowlog_us < 0 || slowlog_us > settings.latency_monitor_threshold * 1000) {
    fmt::format_to(std::back_inserter(text),
                   "- The slow log records less than the latency monitor: CONFIG SET slowlog-log-slower-than "
                   "{} makes both see the same commands.\n",
                   settings.latency_monitor_threshold * 1000);
  }
  for (const Advice& advice : kAdvice) {
    const bool applies = std::any_of(monitor.events().begin(), monitor.events().end(),
                                     [&](const auto& event) { return IsAdviceFor(advice, event.first); });
    if (applies) fmt::format_to(std::back_inserter(text), "- {}\n", advice.text);
  }
  return text;
}

}  // namespace hearth::commands
