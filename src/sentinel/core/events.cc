// What the machine tells the world: events, log lines, scripts, and the stories of failovers.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

constexpr size_t kMaxEventBytes = 1024;
constexpr size_t kMaxStories = 32;
constexpr size_t kMaxStoryEvents = 200;

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kPrimary:
      return "master";
    case Kind::kReplica:
      return "slave";
    default:
      return "sentinel";
  }
}

}  // namespace

std::string Machine::Describe(const Primary& primary, const Instance& instance) {
  std::string text(KindName(instance.kind));
  text.append(" ").append(instance.name).append(" ").append(instance.address.host).append(" ");
  text.append(std::to_string(instance.address.port));
  if (instance.kind == Kind::kPrimary) return text;
  text.append(" @ ")
      .append(primary.instance.name)
      .append(" ")
      .append(primary.instance.address.host)
      .append(" ");
  return text.append(std::to_string(primary.instance.address.port));
}

void Machine::Tell(Turn& turn, Primary& primary, Level level, std::string name, std::string text) {
  if (text.size() > kMaxEventBytes) text.resize(kMaxEventBytes);
  HistoryEntry* story = level != Level::kDebug ? Story(primary) : nullptr;
  if (story != nullptr && story->events.size() < kMaxStoryEvents) {
    story->events.push_back({turn.wall_ms, turn.ms - story->begun_ms, name, text});
  }
  const std::string& script = primary.settings.notification_script;
  if (level == Level::kWarning && !script.empty()) scripts_.Add(turn.ms, {script, name, text});
  turn.effects.push_back(effect::Event{level, std::move(name), std::move(text), level != Level::kDebug});
}

void Machine::Tell(Turn& turn, Primary& primary, const Instance& instance, Level level, std::string name,
                   std::string_view more) {
  std::string text = Describe(primary, instance);
  Tell(turn, primary, level, std::move(name), text.append(more));
}

void Machine::Log(Turn& turn, Level level, std::string text) {
  turn.effects.push_back(effect::Log{level, std::move(text)});
}

// The carrier reads the state when the whole step is done, and carries the first of several out for all.
void Machine::Save(Turn& turn) {
  if (turn.is_saved) return;
  turn.is_saved = true;
  turn.effects.push_back(effect::SaveState{});
}

void Machine::RunReconfigScript(Turn& turn, const Primary& primary, std::string_view role,
                                const Address& from, const Address& to) {
  const std::string& script = primary.settings.client_reconfig_script;
  if (script.empty()) return;
  scripts_.Add(turn.ms, {script, primary.instance.name, std::string(role), "start", from.host,
                         std::to_string(from.port), to.host, std::to_string(to.port)});
}

HistoryEntry* Machine::Story(Primary& primary) {
  if (primary.history.empty() || !primary.history.back().outcome.empty()) return nullptr;
  return &primary.history.back();
}

void Machine::BeginStory(Turn& turn, Primary& primary) {
  if (Story(primary) != nullptr) return;
  if (primary.history.size() >= kMaxStories) primary.history.erase(primary.history.begin());
  primary.history.push_back({.from = primary.instance.address, .begun_ms = turn.ms});
}

void Machine::EndStory(Turn&, Primary& primary, std::string outcome, const Address& to) {
  HEARTH_ASSERT(!outcome.empty());
  HistoryEntry* story = Story(primary);
  if (story == nullptr) return;
  story->outcome = std::move(outcome);
  story->to = to;
}

void Machine::DropStory(Primary& primary) {
  if (Story(primary) != nullptr) primary.history.pop_back();
}

}  // namespace hearth::sentinel
