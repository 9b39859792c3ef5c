#include "server/info.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace hearth::server {
namespace {

// Tools that read INFO by eye or by line expect this order.
constexpr std::array<std::string_view, 15> kOrder = {
    "Server",       "Clients", "Memory",   "Persistence",  "Stats",
    "Replication",  "CPU",     "Modules",  "Commandstats", "Errorstats",
    "Latencystats", "Cluster", "Keyspace", "Debug",        "Sentinel"};
constexpr std::array<std::string_view, 4> kInSentinelMode = {"Server", "Clients", "CPU", "Stats"};

size_t PlaceOf(std::string_view title) {
  return static_cast<size_t>(std::find(kOrder.begin(), kOrder.end(), title) - kOrder.begin());
}

}  // namespace

std::string HumanBytes(size_t bytes) {
  constexpr std::string_view kUnits = "KMGTPE";
  if (bytes < 1024) return fmt::format("{}B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.2f}{}", value, kUnits[unit]);
}

void InfoText::AddHuman(std::string_view name, size_t bytes) {
  Add(fmt::format("{}_human", name), HumanBytes(bytes));
}

void InfoText::AddBytes(std::string_view name, size_t bytes) {
  Add(name, bytes);
  AddHuman(name, bytes);
}

Info::Info(const Parts& parts) : parts_(parts) {
  const auto by = [this](void (Info::*write)(InfoText&) const) {
    return [this, write](InfoText& text) { (this->*write)(text); };
  };
  SetSection("Server", Shown::kByDefault, by(&Info::WriteServer));
  SetSection("Clients", Shown::kByDefault, by(&Info::WriteClients));
  SetSection("Memory", Shown::kByDefault, by(&Info::WriteMemory));
  SetSection("Stats", Shown::kByDefault, by(&Info::WriteStats));
  SetSection("CPU", Shown::kByDefault, by(&Info::WriteCpu));
  SetSection("Modules", Shown::kByDefault, [](InfoText&) {});
  SetSection("Commandstats", Shown::kInAll, by(&Info::WriteCommandStats));
  SetSection("Errorstats", Shown::kByDefault, by(&Info::WriteErrorStats));
  SetSection("Latencystats", Shown::kInAll, by(&Info::WriteLatencyStats));
  SetSection("Cluster", Shown::kByDefault, [this](InfoText& text) {
    text.Add("cluster_enabled", static_cast<int>(parts_.engine.settings().cluster_enabled));
  });
  SetSection("Keyspace", Shown::kByDefault, by(&Info::WriteKeyspace));
  SetSection("Debug", Shown::kWhenAsked, by(&Info::WriteDebug));
}

void Info::SetSection(std::string title, Shown shown, Writer writer) {
  const size_t place = PlaceOf(title);
  const auto at = std::find_if(sections_.begin(), sections_.end(),
                               [&](const Section& section) { return PlaceOf(section.title) >= place; });
  if (at != sections_.end() && at->title == title) {
    *at = {std::move(title), shown, std::move(writer)};
  } else {
    sections_.insert(at, {std::move(title), shown, std::move(writer)});
  }
}

void Info::BecomeSentinel(Writer write_sentinel) {
  is_sentinel_ = true;
  std::erase_if(sections_, [](const Section& section) {
    return std::find(kInSentinelMode.begin(), kInSentinelMode.end(), section.title) == kInSentinelMode.end();
  });
  SetSection("Sentinel", Shown::kByDefault, std::move(write_sentinel));
}

bool Info::IsWanted(const Section& section, engine::Arguments names) const {
  const auto names_it = [&](std::string_view name) {
    if (EqualsIgnoreCase(name, "all") || EqualsIgnoreCase(name, "everything")) {
      return section.shown != Shown::kWhenAsked;
    }
    if (EqualsIgnoreCase(name, "default")) return section.shown == Shown::kByDefault;
    return EqualsIgnoreCase(name, section.title);
  };
  if (names.empty()) return section.shown == Shown::kByDefault;
  return std::any_of(names.begin(), names.end(), names_it);
}

void Info::Run(engine::Context& ctx) { ctx.reply().Verbatim(Text(ctx.args().subspan(1))); }

std::string Info::Text(std::span<const std::string_view> names) const {
  std::string text;
  for (const Section& section : sections_) {
    if (!IsWanted(section, names)) continue;
    InfoText lines;
    section.write(lines);
    if (!text.empty()) text += "\r\n";
    text += "# " + section.title + "\r\n" + lines.text();
  }
  return text;
}

void Info::Register(engine::CommandTable& table) {
  table.Bind("info", engine::MakeHandler<&Info::Run>(*this));
}

}  // namespace hearth::server
