#include "replication/core/link.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/assert.h"
#include "base/numbers.h"

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

// Redis passes over a capability that it does not know, so that all that we have to say on the matter is in
// this word: "rejoin", and ":<id>:<its end>:<the database there>" for each former name, the last one first.
std::string RejoinCapability(const LinkPlace& place) {
  std::string word = "rejoin";
  for (const FormerName& name : place.former) {
    word += ":" + name.id + ":" + std::to_string(name.end) + ":" + std::to_string(name.database);
  }
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
    case State::kRejoin:
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
  is_forced_ = input.origin == Origin::kForcedFailover;
  is_failing_over_ = is_forced_ || input.origin == Origin::kFailover;
  avoids_rejoin_ = false;
  Open(now);
}

void Link::On(Now& now, const link_input::Unfollow&) {
  if (state_ != State::kNone && state_ != State::kConnect) now.Add(link_effect::Close());
  state_ = State::kNone;
  awaited_.clear();
  is_rejoining_ = false;
  refused_reason_.clear();
  has_left_ = false;
}

void Link::On(Now& now, const link_input::Leave&) {
  if (state_ == State::kNone) return;
  is_failing_over_ = false;
  Retry(now, 0);
  has_left_ = true;
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
  is_rejoining_ = false;
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
  if (input.was_unusable && is_rejoining_) avoids_rejoin_ = true;
  now.Warn(
      (state_ == State::kSync ? "MASTER <-> REPLICA sync failed: " : "Error condition on socket for SYNC: ") +
      input.reason);
  Retry(now, kRetryMs);
}

void Link::On(Now& now, const link_input::Activity&) { last_io_ms_ = now.ms; }

void Link::On(Now& now, const link_input::Tick&) {
  if (state_ == State::kNone) return;
  if (state_ == State::kConnect) {
    if (now.ms >= retry_at_ms_ && !has_left_) Open(now);
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
  if (asked == Reply::kRejoinKeys) {
    OnRejoinKeysReply(now, input.text);
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
  if (settings.rejoins && !avoids_rejoin_ && !now.place.id.empty()) {
    say(Reply::kCapabilities,
        {"REPLCONF", "capa", "eof", "capa", "psync2", "capa", RejoinCapability(now.place)});
  } else {
    say(Reply::kCapabilities, {"REPLCONF", "capa", "eof", "capa", "psync2"});
  }
  if (!settings.acks_word.empty()) say(Reply::kCapabilities, {"REPLCONF", "capa", settings.acks_word});
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
  if (is_failing_over_ && is_forced_) {
    now.Add(link_effect::Send{Command({"PSYNC", now.place.id, next, "FAILOVER"})});
  } else if (is_failing_over_) {
    now.Add(link_effect::Send{Command({"PSYNC", now.place.id, next, "FAILOVER", kUnforced})});
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
  if (reply.starts_with("+CONTINUE")) return OnContinue(now, reply);
  if (reply.starts_with("+REJOIN ")) return OnRejoin(now, reply);
  if (reply.starts_with("+REJOINING ")) return OnRejoining(now, reply);
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
  is_rejoining_ = false;
  offered_id_.clear();
  now.Add(link_effect::Send{"SYNC\r\n"});
  now.Add(link_effect::ReceiveDataset());
}

void Link::OnContinue(Now& now, std::string_view reply) {
  std::string_view rest = reply;
  TakeWord(rest);
  const std::string_view id = TakeWord(rest);
  if (now.place.id.empty() || is_rejoining_ || (!id.empty() && !IsHistoryId(id))) {
    now.Warn("Master replied to PSYNC with something that was not asked for: " + std::string(reply));
    Retry(now, kRetryMs);
    return AnswerFailover(now, false);
  }
  now.Notice("Successful partial resynchronization with master.");
  state_ = State::kConnected;
  awaited_.clear();
  is_guarded_ = true;
  avoids_rejoin_ = false;
  refused_reason_.clear();
  now.Add(link_effect::GoOn{id == now.place.id ? std::string() : std::string(id)});
  AnswerFailover(now, true);
}

// ---- rejoin

// "+REJOIN <id> <offset> <database>": so far both have the same history, which they call `id` there.
void Link::OnRejoin(Now& now, std::string_view reply) {
  std::string_view rest = reply;
  TakeWord(rest);
  const std::string_view id = TakeWord(rest);
  const auto offset = ParseUint64(TakeWord(rest));
  const auto database = ParseInt64(TakeWord(rest));
  const LinkPlace& place = now.place;
  const FormerName* const former = FindName(place.former, id);
  const bool is_ours = offset && !id.empty() && *offset <= place.offset &&
                       (id == place.id || (former != nullptr && *offset <= former->end));
  if (!is_ours || !database || *database < -1 || *database > INT32_MAX) {
    now.Warn("Master offers to go back to a place that we do not know: " + std::string(reply));
    AskForFullCopy(now);
    return AnswerFailover(now, true);
  }
  parting_ = {std::string(id), *offset, static_cast<int>(*database)};
  if (parting_.database < 0 && former != nullptr && *offset == former->end) {
    parting_.database = former->database;
  }
  now.Notice("Our history has parted from that of the master at offset " + std::to_string(*offset) + ", " +
             std::to_string(place.offset - *offset) + " bytes ago. Looking which keys differ.");
  state_ = State::kRejoin;
  awaited_.clear();
  is_rejoining_ = false;
  now.Add(link_effect::GatherLostWrites{parting_.offset, parting_.database});
  AnswerFailover(now, true);
}

void Link::On(Now& now, const link_input::LostWritesGathered& input) {
  using Outcome = link_input::LostWritesGathered::Outcome;
  if (state_ != State::kRejoin) return;
  HEARTH_ASSERT(!is_rejoining_);
  last_io_ms_ = now.ms;
  state_ = State::kHandshake;
  if (input.outcome == Outcome::kUnknown) return AskForFullCopy(now);
  if (input.outcome == Outcome::kNothing) {
    now.Notice("Nothing was written since.");
    awaited_ = {Reply::kPsync};
    now.Add(link_effect::GoBack{parting_.id, parting_.offset, parting_.database});
    now.Add(link_effect::Send{Command({"PSYNC", parting_.id, std::to_string(parting_.offset + 1)})});
    return;
  }
  are_keys_refused_ = false;
  awaited_.assign(input.request_count, Reply::kRejoinKeys);
  if (input.request_count == 0) return AskForKeys(now);
  now.Add(link_effect::Send{input.requests});
}

void Link::OnRejoinKeysReply(Now& now, std::string_view reply) {
  if (!reply.starts_with('+') && !std::exchange(are_keys_refused_, true)) {
    now.Notice("Master does not take the keys that differ: " + std::string(reply));
  }
  awaited_.pop_front();
  if (!awaited_.empty()) return;
  if (are_keys_refused_) return AskForFullCopy(now);
  AskForKeys(now);
}

void Link::AskForKeys(Now& now) {
  HEARTH_ASSERT(state_ == State::kHandshake && !is_rejoining_);
  is_rejoining_ = true;
  awaited_ = {Reply::kPsync};
  now.Add(link_effect::Send{Command({"PSYNC", parting_.id, std::to_string(parting_.offset + 1), "REJOIN"})});
}

void Link::AskForFullCopy(Now& now) {
  now.Notice("A full copy is asked for.");
  is_rejoining_ = false;
  awaited_ = {Reply::kPsync};
  now.Add(link_effect::Send{Command({"PSYNC", "?", "-1"})});
}

// "+REJOINING <id> <offset>": the keys that differ come, as they are there.
void Link::OnRejoining(Now& now, std::string_view reply) {
  if (!is_rejoining_) {
    now.Warn("Master replied to PSYNC with something that was not asked for: " + std::string(reply));
    return Retry(now, kRetryMs);
  }
  (void)ReceiveFrom(now, reply);
}

// ---- the dataset

// "<word> <id> <offset>". False if it is not that, and the connection is given up.
bool Link::ReceiveFrom(Now& now, std::string_view reply) {
  std::string_view rest = reply;
  const std::string_view word = TakeWord(rest);
  const std::string_view id = TakeWord(rest);
  const auto offset = ParseUint64(TakeWord(rest));
  if (!IsHistoryId(id) || !offset) {
    now.Warn("Master replied with wrong " + std::string(word) + " syntax: " + std::string(reply));
    Retry(now, kRetryMs);
    return false;
  }
  now.Notice((is_rejoining_ ? "Rejoining master: " : "Full resync from master: ") + std::string(id) + ":" +
             std::to_string(*offset));
  state_ = State::kSync;
  awaited_.clear();
  offered_id_ = id;
  now.Add(link_effect::ReceiveDataset{offered_id_, *offset, is_rejoining_});
  return true;
}

void Link::OnFullResync(Now& now, std::string_view reply) {
  is_rejoining_ = false;
  if (ReceiveFrom(now, reply)) AnswerFailover(now, true);
}

void Link::On(Now& now, const link_input::DatasetSeen& input) {
  if (state_ != State::kSync) return;
  last_io_ms_ = now.ms;
  const bool is_our_history = !offered_id_.empty() && offered_id_ == now.place.id;
  // It shares our history, and is of some keys alone.
  if (is_rejoining_) {
    now.Add(link_effect::TakeDataset());
    return;
  }
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
  is_rejoining_ = false;
  avoids_rejoin_ = false;
  now.Notice("MASTER <-> REPLICA sync: Finished with success");
}

}  // namespace hearth::replication
