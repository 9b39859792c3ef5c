// Where the engine's effects go: deterministic commands, in the order in which they happened. The write log
// takes them by log/effect_writer.h; tests collect them. Engine thread only.
#pragma once

#include <span>
#include <string_view>

namespace hearth::log {

// Gets every effect in order. A unit of more than one effect (a transaction, a script, a command that expired
// a key) comes between BeginUnit and EndUnit and must be applied as a whole.
class EffectSink {
 public:
  virtual void BeginUnit() = 0;
  virtual void Append(int database, std::span<const std::string_view> args) = 0;
  virtual void EndUnit() = 0;

 protected:
  ~EffectSink() = default;
};

}  // namespace hearth::log
