#include "engine/context.h"

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/text.h"
#include "engine/engine.h"

namespace hearth::engine {

keyspace::Keyspace& Context::keyspace() { return engine_.keyspace(); }
const settings::Settings& Context::settings() { return engine_.settings(); }
Effects& Context::effects() { return engine_.effects(); }

bool Context::Is(size_t i, std::string_view word) const { return EqualsIgnoreCase(args_[i], word); }

const Entry* Context::FindForRead(const Key& key) {
  return Counted(key,
                 client_.touches_keys ? keyspace::Database::Touch::kYes : keyspace::Database::Touch::kNo);
}

const Entry* Context::Inspect(const Key& key) { return Counted(key, keyspace::Database::Touch::kNo); }

const Entry* Context::Counted(const Key& key, keyspace::Database::Touch touch) {
  const Entry* entry = db().Find(key, touch);
  if (entry != nullptr) {
    ++keyspace().stats().hits;
  } else {
    ++keyspace().stats().misses;
    Notify(settings::kNotifyKeyMiss, "keymiss", key.text);
  }
  return entry;
}

void Context::Error(std::string_view text) {
  has_failed_ = true;
  engine_.CountError(text);
  reply().Error(text);
}

void Context::WrongArgumentCount() {
  Error(fmt::format("ERR wrong number of arguments for '{}' command", command_.full_name()));
}

std::optional<int64_t> Context::Integer(size_t i, std::string_view error) {
  const auto value = ParseInt64(args_[i]);
  if (!value) Error(error.empty() ? "ERR value is not an integer or out of range" : error);
  return value;
}

std::optional<int64_t> Context::IntegerIn(size_t i, int64_t low, int64_t high, std::string_view error) {
  const auto value = ParseInt64(args_[i]);
  if (value && *value >= low && *value <= high) return value;
  if (!error.empty()) {
    Error(error);
  } else if (low == 0 && high == INT64_MAX) {
    Error("ERR value is out of range, must be positive");
  } else if (value) {
    Error(fmt::format("ERR value is out of range, value must between {} and {}", low, high));
  } else {
    Error("ERR value is not an integer or out of range");
  }
  return std::nullopt;
}

std::optional<double> Context::Double(size_t i, std::string_view error) {
  const auto value = ParseDouble(args_[i]);
  if (!value) Error(error.empty() ? "ERR value is not a valid float" : error);
  return value;
}

void Context::NotifyIn(int database, int classes, std::string_view event, std::string_view key) {
  engine_.NotifyKey(database, classes, event, key);
}

bool Context::may_block() const { return !engine_.is_in_unit() && client_.connection != nullptr; }

void Context::Block(BlockRequest request) { engine_.Block(*this, request); }

}  // namespace hearth::engine
