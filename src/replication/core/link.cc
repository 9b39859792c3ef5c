#include "replication/core/link.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/assert.h"
#include "base/numbers.h"
#include "replication/core/history.h"

namespace hearth::replication {
namespace {

using Level = link_effect::Tell::Level;

std::string Command(std::initializer_list<std::string_view> words) {
  std::string bytes = "*" + ToString(static_cast<int64_t>(words.size())) + "\r\n";
  for (const std::string_view word : words) {
    bytes += "$" + ToString(static_cast<int64_t>(word.size())) + "\r\n";
    bytes += word;
    bytes += "\r\n";
  }
  return bytes;
}

bool StartsWithAny(std::string_view reply, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return reply.starts_with(beginning); });
}

// The next word of a line, taken from its front.
std::string_view TakeWord(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

bool IsHistoryId(std::string_view id) {
  return id.size() == kIdDigits && id.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

// What a step works with.
struct Link::Now {
  int64_t ms;
  const LinkSettings& settings;
  const LinkPlace& place;
  std::vector<LinkEffect> effects;

  template <typename Effect>
  void Add(Effect effect) {
    effects.emplace_back(std::move(effect));
  }
  void Notice(std::string text) { Add(link_effect::Tell{Level::kNotice, std::move(text)}); }
  void Warn(std::string text) { Add(link_effect::Tell{Level::kWarning, std::move(text)}); }
};

std::string_view Link::state_name() const {
  switch (state_) {
    case State::kNone:
      return "none";
    case State::kConnect:
      return "connect";
    case State::kConnecting:
      return "connecting";
    case State::kHandshake:
      return "handshake";
    case State::kSync:
      return "sync";
    case State::kConnected:
      return "connected";
  }
  return "unknown";
}

std::vector<LinkEffect> Link::Step(int64_t now_ms, const LinkInput& input, const LinkSettings& settings,
                                   const LinkPlace& place) {
  HEARTH_ASSERT(place.id.empty() || place.id.size() == kIdDigits);
  Now now{now_ms, settings, place, {}};
  std::visit([&](const auto& what) { On(now, what); }, input);
  HEARTH_ASSERT((state_ == State::kHandshake) == !awaited_.empty());
  return std::move(now.effects);
}

// ---- following

void Link::On(Now& now, const link_input::Follow& input) {
  On(now, link_input::Unfollow());
  primary_ = input.primary;
  // What an operator asks for is done, whatever the primary has.
  is_guarded_ = input.origin == Origin::kConfiguration;
  is_failing_over_ = input.origin == Origin::kFailover;
  Open(now);
}

void Link::On(Now& now, const link_input::Unfollow&) {
  if (state_ != State::kNone && state_ != State::kConnect) now.Add(link_effect::Close());
  state_ = State::kNone;
  awaited_.clear();
  refused_reason_.clear();
}

void Link::Open(Now& now) {
  HEARTH_ASSERT(state_ == State::kNone || state_ == State::kConnect);
  state_ = State::kConnecting;
  last_io_ms_ = now.ms;
  now.Notice("Connecting to MASTER " + primary_);
  now.Add(link_effect::Open());
}

// The connection is given up, for now.
void Link::Retry(Now& now, int64_t delay_ms) {
  HEARTH_ASSERT(state_ != State::kNone && delay_ms >= 0);
  if (state_ != State::kConnect) now.Add(link_effect::Close());
  state_ = State::kConnect;
  awaited_.clear();
  retry_at_ms_ = now.ms + delay_ms;
}

void Link::On(Now& now, const link_input::Lost& input) {
  if (state_ == State::kNone || state_ == State::kConnect) return;
  if (state_ == State::kConnected) {
    now.Notice("Connection with master lost (" + input.reason + ").");
    Retry(now, 0);
    Open(now);
    return;
  }
  now.Warn(
      (state_ == State::kSync ? "MASTER <-> REPLICA sync failed: " : "Error condition on socket for SYNC: ") +
      input.reason);
  Retry(now, kRetryMs);
}

void Link::On(Now& now, const link_input::Activity&) { last_io_ms_ = now.ms; }

void Link::On(Now& now, const link_input::Tick&) {
  if (state_ == State::kNone) return;
  if (state_ == State::kConnect) {
    if (now.ms >= retry_at_ms_) Open(now);
    return;
  }
  if (now.ms - last_io_ms_ <= now.settings.timeout_ms) return;
  if (state_ == State::kConnected) {
    now.Warn("MASTER timeout: no data nor PING received...");
  } else if (state_ == State::kSync) {
    now.Warn(
        "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' "
        "parameter "
        "in the configuration to a larger value.");
  } else {
    now.Warn("Timeout connecting to the MASTER...");
  }
  Retry(now, 0);
  Open(now);
}

// ---- the handshake

void Link::On(Now& now, const link_input::Opened&) {
  if (state_ != State::kConnecting) return;
  last_io_ms_ = now.ms;
  state_ = State::kHandshake;
  awaited_ = {Reply::kPing};
  now.Add(link_effect::Send{Command({"PING"})});
}

void Link::On(Now& now, const link_input::Line& input) {
  if (state_ != State::kHandshake) return;
  last_io_ms_ = now.ms;
  // A primary that is not ready yet shows in this way that it is alive.
  if (input.text.empty()) return;
  const Reply asked = awaited_.front();
  if (asked == Reply::kPsync) {
    OnStreamReply(now, input.text);
    return;
  }
  OnGreetingReply(now, asked, input.text);
}

void Link::OnGreetingReply(Now& now, Reply asked, std::string_view reply) {
  const bool is_error = !reply.starts_with('+');
  if (asked == Reply::kPing) {
    // Who must log in first is told so here; that comes next.
    if (is_error && !StartsWithAny(reply, {"-NOAUTH", "-NOPERM", "-ERR operation not permitted"})) {
      now.Warn("Error reply to PING from master: '" + std::string(reply) + "'");
      return Retry(now, kRetryMs);
    }
    return Greet(now);
  }
  if (asked == Reply::kAuth && is_error) {
    now.Warn("Unable to AUTH to MASTER: " + std::string(reply));
    return Retry(now, kRetryMs);
  }
  // Old primaries do not know all that we say about ourselves.
  if (is_error && asked == Reply::kPort) {
    now.Notice("(Non critical) Master does not understand REPLCONF listening-port: " + std::string(reply));
  }
  awaited_.pop_front();
  if (awaited_.empty()) AskForStream(now);
}

// All in one go: each reply is waited for afterwards.
void Link::Greet(Now& now) {
  const LinkSettings& settings = now.settings;
  std::string bytes;
  awaited_.clear();
  const auto say = [&](Reply reply, std::initializer_list<std::string_view> words) {
    bytes += Command(words);
    awaited_.push_back(reply);
  };
  if (!settings.password.empty()) {
    if (settings.user.empty()) {
      say(Reply::kAuth, {"AUTH", settings.password});
    } else {
      say(Reply::kAuth, {"AUTH", settings.user, settings.password});
    }
  }
  say(Reply::kPort, {"REPLCONF", "listening-port", ToString(int64_t{settings.port})});
  if (!settings.address.empty()) say(Reply::kAddress, {"REPLCONF", "ip-address", settings.address});
  say(Reply::kCapabilities, {"REPLCONF", "capa", "eof", "capa", "psync2"});
  if (!settings.version.empty()) say(Reply::kVersion, {"REPLCONF", "version", settings.version});
  now.Add(link_effect::Send{std::move(bytes)});
}

void Link::AskForStream(Now& now) {
  awaited_ = {Reply::kPsync};
  if (now.place.id.empty()) {
    now.Notice("Partial resynchronization not possible (no cached master)");
    now.Add(link_effect::Send{Command({"PSYNC", "?", "-1"})});
    return;
  }
  const std::string next = std::to_string(now.place.offset + 1);
  now.Notice("Trying a partial resynchronization (request " + now.place.id + ":" + next + ").");
  if (is_failing_over_) {
    now.Add(link_effect::Send{Command({"PSYNC", now.place.id, next, "FAILOVER"})});
  } else {
    now.Add(link_effect::Send{Command({"PSYNC", now.place.id, next})});
  }
}

// The last effect of its step: whoever hears of a refusal may end the link.
void Link::AnswerFailover(Now& now, bool is_accepted) {
  if (std::exchange(is_failing_over_, false)) now.Add(link_effect::AnswerFailover{is_accepted});
}

void Link::OnStreamReply(Now& now, std::string_view reply) {
  if (reply.starts_with("+FULLRESYNC")) return OnFullResync(now, reply);
  if (reply.starts_with("+CONTINUE")) {
    std::string_view rest = reply.substr(std::string_view("+CONTINUE").size());
    const std::string_view id = TakeWord(rest);
    if (now.place.id.empty() || (!id.empty() && !IsHistoryId(id))) {
      now.Warn("Master replied to PSYNC with something that was not asked for: " + std::string(reply));
      Retry(now, kRetryMs);
      return AnswerFailover(now, false);
    }
    now.Notice("Successful partial resynchronization with master.");
    state_ = State::kConnected;
    awaited_.clear();
    is_guarded_ = true;
    refused_reason_.clear();
    now.Add(link_effect::GoOn{id == now.place.id ? std::string() : std::string(id)});
    return AnswerFailover(now, true);
  }
  if (is_failing_over_) {
    now.Warn("The replica refuses to take over: " + std::string(reply));
    Retry(now, kRetryMs);
    return AnswerFailover(now, false);
  }
  if (StartsWithAny(reply, {"-NOMASTERLINK", "-LOADING", "-MASTERDOWN", "-NOAUTH", "-NOPERM", "-BUSY"})) {
    now.Notice("MASTER is currently unable to PSYNC but should be in the future: " + std::string(reply));
    return Retry(now, kRetryMs);
  }
  now.Notice("Master does not support PSYNC or is in error state (reply: " + std::string(reply) +
             "). Retrying with SYNC...");
  state_ = State::kSync;
  awaited_.clear();
  offered_id_.clear();
  now.Add(link_effect::Send{"SYNC\r\n"});
  now.Add(link_effect::ReceiveDataset());
}

// ---- the dataset

void Link::OnFullResync(Now& now, std::string_view reply) {
  std::string_view rest = reply;
  TakeWord(rest);
  const std::string_view id = TakeWord(rest);
  const auto offset = ParseUint64(TakeWord(rest));
  if (!IsHistoryId(id) || !offset) {
    now.Warn("Master replied with wrong +FULLRESYNC syntax: " + std::string(reply));
    return Retry(now, kRetryMs);
  }
  now.Notice("Full resync from master: " + std::string(id) + ":" + std::to_string(*offset));
  state_ = State::kSync;
  awaited_.clear();
  offered_id_ = id;
  now.Add(link_effect::ReceiveDataset{offered_id_, *offset});
  AnswerFailover(now, true);
}

void Link::On(Now& now, const link_input::DatasetSeen& input) {
  if (state_ != State::kSync) return;
  last_io_ms_ = now.ms;
  const bool is_our_history = !offered_id_.empty() && offered_id_ == now.place.id;
  if (input.is_empty && is_guarded_ && now.settings.keeps_data_from_empty_primary && now.place.has_data &&
      !is_our_history) {
    const bool is_news = refused_reason_.empty();
    refused_reason_ = "the primary " + primary_ + " has come back empty, with another history";
    if (is_news) {
      now.Warn("MASTER <-> REPLICA sync refused: " + refused_reason_ +
               ". The data here is kept. To take the empty dataset all the same, say REPLICAOF again, or set "
               "replica-keep-data-from-empty-primary to no.");
    }
    return Retry(now, kRetryMs);
  }
  refused_reason_.clear();
  now.Add(link_effect::TakeDataset());
}

void Link::On(Now& now, const link_input::DatasetLoaded&) {
  if (state_ != State::kSync) return;
  last_io_ms_ = now.ms;
  state_ = State::kConnected;
  is_guarded_ = true;
  now.Notice("MASTER <-> REPLICA sync: Finished with success");
}

}  // namespace hearth::replication
