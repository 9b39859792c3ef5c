#include "replication/log_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/numbers.h"
#include "base/text.h"

namespace hearth::replication {
namespace {

// What is parsed at once: complete commands are taken from the front of the buffer, which costs moving the
// rest.
constexpr size_t kBytesAtOnce = size_t{64} << 10;

bool IsAny(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

LogWalk::LogWalk(const engine::CommandTable& commands, int database, int database_count)
    : commands_(commands), database_(database), keys_(std::make_shared<WrittenKeys>(database_count)) {}

Status LogWalk::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view some = bytes.substr(0, kBytesAtOnce);
    bytes.remove_prefix(some.size());
    HEARTH_TRY(FeedSome(some));
  }
  return {};
}

Status LogWalk::FeedSome(std::string_view bytes) {
  const resp::RequestLimits limits{.max_bulk_bytes = INT64_MAX};
  const char* const old_data = buffer_.data();
  buffer_.append(bytes);
  parser_.Rebase(old_data, buffer_.data(), parsed_);
  for (;;) {
    const auto outcome = parser_.Parse(buffer_.data(), buffer_.size(), limits, parsed_);
    if (outcome == resp::RequestParser::Outcome::kError) {
      return Fail(fmt::format("the log cannot be read: {}", parser_.error()));
    }
    for (size_t i = 0; i < parsed_.requests.size(); ++i) {
      const resp::Request& request = parsed_.requests[i];
      HEARTH_TRY(Take({parsed_.args.data() + request.first_arg, request.arg_count}, parsed_.Raw(i)));
    }
    const char* const data = buffer_.data();
    buffer_.erase(0, parser_.consumed());
    parser_.Discard(data, buffer_.data(), parsed_);
    if (outcome == resp::RequestParser::Outcome::kNeedMore) return {};
  }
}

const engine::Command* LogWalk::Find(Arguments args) const {
  const engine::Command* const command = commands_.Find(args[0]);
  if (command == nullptr || command->subcommands.empty() || args.size() < 2) return command;
  return commands_.FindSubcommand(*command, args[1]);
}

Status LogWalk::Take(Arguments args, std::string_view bytes) {
  const engine::Command* const command = Find(args);
  const std::string_view name = command == nullptr ? args[0] : command->full_name();
  if (IsAny(name, {"ping", "replconf", "publish", "spublish"})) return {};
  if (name == "select") {
    const auto database = args.size() == 2 ? ParseInt64(args[1]) : std::nullopt;
    database_ = database && *database >= 0 && *database <= INT32_MAX ? static_cast<int>(*database) : -1;
  } else if (!IsAny(name, {"multi", "exec"})) {
    ++command_count_;
    if (command == nullptr) {
      GiveUp(fmt::format("the command {} is not known", Quote(args[0].substr(0, 64))));
    } else {
      FindKeys(*command, args);
    }
  }
  return take_command_ ? take_command_(bytes) : Status();
}

void LogWalk::FindKeys(const engine::Command& command, Arguments args) {
  if (!unknown_.empty()) return;
  if (database_ < 0) return GiveUp("the database that was selected there is not known");
  if (command.full_name() == "move") return AddMoved(args);
  if (command.full_name() == "copy") return AddCopied(args);
  AddSpecified(command, args);
}

void LogWalk::AddSpecified(const engine::Command& command, Arguments args) {
  positions_.clear();
  const bool fits =
      command.AcceptsArgumentCount(args.size()) && engine::FindKeys(*command.facts, args, positions_);
  bool has_any = false;
  for (const engine::KeyPosition& position : positions_) {
    if ((position.flags & (engine::kKeyReadOnly | engine::kKeyNotKey)) != 0) continue;
    has_any = true;
    Add(database_, args[position.index]);
  }
  // It has changed something, or it would not be in the log.
  if (!fits || !has_any) GiveUp(fmt::format("{} does not name all that it changes", command.full_name()));
}

void LogWalk::AddMoved(Arguments args) {
  const auto target = args.size() == 3 ? ParseInt64(args[2]) : std::nullopt;
  if (!target) return GiveUp("a MOVE is not understood");
  Add(database_, args[1]);
  Add(static_cast<int>(std::clamp<int64_t>(*target, -1, INT32_MAX)), args[1]);
}

void LogWalk::AddCopied(Arguments args) {
  int64_t target = database_;
  for (size_t i = 3; i < args.size(); ++i) {
    if (!EqualsIgnoreCase(args[i], "db")) continue;
    target = i + 1 < args.size() ? ParseInt64(args[i + 1]).value_or(-1) : -1;
    ++i;
  }
  if (args.size() < 3) return GiveUp("a COPY is not understood");
  Add(static_cast<int>(std::clamp<int64_t>(target, -1, INT32_MAX)), args[2]);
}

void LogWalk::Add(int database, std::string_view key) {
  if (!keys_->Add(database, key)) GiveUp("there are too many keys, or one is in no database of ours");
}

void LogWalk::GiveUp(std::string reason) {
  if (unknown_.empty()) unknown_ = std::move(reason);
}

}  // namespace hearth::replication
