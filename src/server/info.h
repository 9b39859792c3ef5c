// INFO: sections of "field:value" lines about the server, in the names and order that monitoring tools for
// Redis read.
//
// The sections that this class brings are those about the process and the engine; rooms that come later add
// or replace theirs by SetSection. Owned by the composition root. Engine thread only.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/client_limits.h"
#include "engine/engine.h"
#include "keyspace/defragmenter.h"
#include "replication/replication.h"
#include "script/scripts.h"
#include "server/info_metrics.h"
#include "server/shutdown.h"
#include "settings/configuration.h"

namespace hearth::server {

// The lines of a section.
class InfoText {
 public:
  template <typename Value>
  void Add(std::string_view name, const Value& value) {
    fmt::format_to(std::back_inserter(text_), "{}:{}\r\n", name, value);
  }
  void AddFixed(std::string_view name, double value, int decimals = 2) {
    fmt::format_to(std::back_inserter(text_), "{}:{:.{}f}\r\n", name, value, decimals);
  }
  // Bytes, and beside them the same for people: "1.50M".
  void AddBytes(std::string_view name, size_t bytes);
  void AddHuman(std::string_view name, size_t bytes);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// "1023B", "1.50K", "2.00G".
std::string HumanBytes(size_t bytes);

class Info {
 public:
  struct Parts {
    engine::Engine& engine;
    const settings::Configuration& configuration;
    net::IoThreads& connections;
    const engine::ClientLimits& limits;
    const Metrics& metrics;
    const Identity& identity;
    const replication::Replication& replication;
    const Shutdown& shutdown;
    const script::Scripts& scripts;
    const keyspace::Defragmenter& defragmenter;
  };
  explicit Info(const Parts& parts);

  using Writer = std::function<void(InfoText&)>;
  // When a section is shown without being asked for by name: by INFO, by INFO all, or by neither.
  enum class Shown { kByDefault, kInAll, kWhenAsked };
  // Replaces the section of this title, or adds it at its place in Redis's order.
  void SetSection(std::string title, Shown shown, Writer writer);

  // Leaves the sections that a Sentinel has, and adds its own.
  void BecomeSentinel(Writer write_sentinel);

  void Register(engine::CommandTable& table);

  // What INFO says with these arguments.
  std::string Text(std::span<const std::string_view> names) const;

 private:
  struct Section {
    std::string title;  // "Commandstats"
    Shown shown;
    Writer write;
  };

  void Run(engine::Context& ctx);
  bool IsWanted(const Section& section, engine::Arguments names) const;

  // info_sections.cc, info_statistics.cc and info_memory.cc
  void WriteServer(InfoText& text) const;
  void WriteClients(InfoText& text) const;
  void WriteMemory(InfoText& text) const;
  void WriteScriptMemory(InfoText& text) const;
  void WriteStats(InfoText& text) const;
  void WriteWork(InfoText& text) const;
  void WriteCpu(InfoText& text) const;
  void WriteCommandStats(InfoText& text) const;
  void WriteErrorStats(InfoText& text) const;
  void WriteLatencyStats(InfoText& text) const;
  void WriteKeyspace(InfoText& text) const;
  void WriteDebug(InfoText& text) const;

  Parts parts_;
  std::vector<Section> sections_;
  bool is_sentinel_ = false;
};

}  // namespace hearth::server
