// What a write did, in the form that the log, replicas and the AOF are to get: a deterministic command.
//
// By default the effect of a command that changed something is the command itself as it came. A handler whose
// command would not do the same again elsewhere or later (relative times, random choices, blocking pops) says
// what it did instead. Expired and evicted keys add their DEL before the effect of the command that met them.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "log/effect_sink.h"

namespace hearth::engine {

using log::EffectSink;

// Collects the effects of one unit of execution. Owned by the engine; handlers reach it through their
// Context.
class Effects {
 public:
  // False while nobody listens: handlers may skip the work of composing effects.
  bool wanted() const { return sink_ != nullptr; }
  void set_sink(EffectSink* sink) { sink_ = sink; }

  // Instead of the command as it came. Several calls give several effects.
  void Replace(std::initializer_list<std::string_view> args) { Replace({args.begin(), args.size()}); }
  void Replace(std::span<const std::string_view> args) {
    is_replaced_ = true;
    if (wanted() && !is_muted_) Add(database_, args);
  }
  // The command has no effect worth passing on.
  void Suppress() { is_replaced_ = true; }

  // Something that happened beside the command (an expired key); in order of the calls.
  void Add(int database, std::span<const std::string_view> args) {
    if (!wanted()) return;
    Effect effect{database, {}};
    effect.args.reserve(args.size());
    for (std::string_view arg : args) effect.args.emplace_back(arg);
    effects_.push_back(std::move(effect));
  }
  void Add(int database, std::initializer_list<std::string_view> args) {
    Add(database, std::span<const std::string_view>(args.begin(), args.size()));
  }

  // ---- for the engine

  void BeginCommand(int database) {
    database_ = database;
    is_replaced_ = false;
  }
  // `changed`: the command changed the keyspace. `is_alone`: it is not part of a unit.
  void EndCommand(bool changed, bool is_alone, std::span<const std::string_view> args) {
    if (!changed || is_replaced_ || is_muted_ || sink_ == nullptr) return;
    if (is_alone && effects_.empty()) {
      // By far the most come this way, and are spared the copy.
      sink_->Append(database_, args);
      has_passed_on_ = true;
    } else {
      Add(database_, args);
    }
  }
  // While on, what commands do themselves goes nowhere (redis.set_repl); expired and evicted keys still add
  // their DEL.
  void set_muted(bool muted) { is_muted_ = muted; }
  // Forgets what was collected: the process ends in the middle of a unit.
  void Discard() { effects_.clear(); }
  // Hands everything collected to the sink. True if anything has gone there since the last call.
  bool Flush();

 private:
  struct Effect {
    int database;
    std::vector<std::string> args;
  };

  EffectSink* sink_ = nullptr;
  std::vector<Effect> effects_;
  int database_ = 0;
  bool is_replaced_ = false;
  bool is_muted_ = false;
  bool has_passed_on_ = false;
};

}  // namespace hearth::engine
