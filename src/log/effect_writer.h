// Turns effects into what replicas and the AOF read: commands in RESP, appended to the write log. A SELECT
// goes before the first command and wherever the database changes; a unit of several effects is wrapped in
// MULTI and EXEC, with a SELECT it needs to begin with before the MULTI. Byte for byte what Redis logs.
//
// Owned by the composition root, which gives it to the engine (Effects::set_sink) once data is loaded. Engine
// thread only.
#pragma once

#include "log/effect_sink.h"
#include "log/write_log.h"

namespace hearth::log {

class EffectWriter final : public EffectSink {
 public:
  explicit EffectWriter(WriteLog& log) : log_(&log) {}

  void BeginUnit() override;
  void Append(int database, std::span<const std::string_view> args) override;
  void EndUnit() override;

  // The next effect says its database again: a new AOF file begins here, or a replica that knows of none.
  // Not inside a unit.
  void ForgetDatabase();
  // The database that the log's reader is in at its end, or -1 (the AUX field repl-stream-db).
  int database() const { return database_; }
  // After loading: what the log's last SELECT said.
  void set_database(int database) { database_ = database; }

  bool in_unit() const { return unit_ != Unit::kNone; }

 private:
  enum class Unit { kNone, kAnnounced, kOpen };

  WriteLog* log_;
  int database_ = -1;
  Unit unit_ = Unit::kNone;
};

// One command in RESP, appended to `log`.
void AppendCommand(WriteLog& log, std::span<const std::string_view> args);

}  // namespace hearth::log
