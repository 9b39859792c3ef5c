// What a replica's link to its primary does, as a pure machine: it is told what has happened and says what to
// do. It has no clock, socket or log of its own. The carrier (replication/primary_link.h) opens the
// connection, brings the primary's lines, receives the dataset, and applies the stream.
//
// The handshake is PING, then AUTH and REPLCONF together, then PSYNC; a primary that knows no PSYNC gets a
// SYNC. A link that is lost is opened again, at once if it was in use, else a second later.
//
// The guard: a replica that has data does not take an empty dataset with a history of its own from a primary
// that it already followed, or that its configuration names. Such a primary has most likely lost its data and
// restarted. The replica keeps what it has and asks again, until the primary has a key or an operator says
// REPLICAOF once more.
//
// Rejoin: a primary of our kind whose history has parted from ours says where (+REJOIN). What was written
// here since then is gathered and saved by the carrier, its keys are sent, and the primary gives just the
// keys that differ. Where nothing was written, the place alone goes back. What cannot be done in that way is
// done by a full copy; so is what has failed for another reason than a lost connection.
//
// Any one thread. Limitations: whether a dataset is empty is the carrier's word, given before anything is
// dropped.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "replication/core/history.h"

namespace hearth::replication {

// Who named the primary.
enum class Origin : uint8_t {
  kConfiguration,
  kOperator,
  // FAILOVER: the replica, which has everything, is asked to become a primary. It may have been started anew
  // with less meanwhile, and refuses then (docs/formats/replication.md).
  kFailover,
  kForcedFailover,  // with whatever it has
};

struct LinkSettings {
  std::string user;      // masteruser; empty for the default user
  std::string password;  // masterauth; empty for no AUTH
  int port = 0;          // that the primary shows for us
  std::string address;   // replica-announce-ip; empty for what the primary sees
  std::string version;
  int64_t timeout_ms = 60'000;
  bool keeps_data_from_empty_primary = true;
  bool rejoins = true;
  // What it says of itself in promised writes (acks_set.h); empty for nothing.
  std::string acks_word{};
};

// The word behind FAILOVER in PSYNC of who was not forced: whoever is not at that very offset is to refuse.
// Redis passes over it.
inline constexpr std::string_view kUnforced = "UNFORCED";

// What we have, at this moment.
struct LinkPlace {
  std::string id;       // of our history; empty if there is none to go on with
  uint64_t offset = 0;  // its bytes that we have
  bool has_data = false;
  // What the history was called before, as in History.
  std::vector<FormerName> former{};
};

namespace link_input {

struct Follow {
  std::string primary;  // for the log
  Origin origin;
};
struct Unfollow {};
// The primary is not to hear of us any more, nor we of it, until Follow or Unfollow.
struct Leave {};
struct Opened {};
// A line without its end.
struct Line {
  std::string_view text;
};
// Bytes of the dataset or the stream came, or data is being loaded.
struct Activity {};
// The dataset has begun to come, or could be looked at as a whole.
struct DatasetSeen {
  bool is_empty;
};
struct DatasetLoaded {};
// What became of GatherLostWrites.
struct LostWritesGathered {
  enum class Outcome : uint8_t {
    kNothing,  // nothing was written
    kKeys,     // it is known which keys were
    kUnknown,  // it is not
  } outcome;
  // kKeys: what tells the primary of them, so many requests.
  std::string requests{};
  size_t request_count = 0;
};
// The connection could not be opened or has ended, or the dataset could not be had.
struct Lost {
  std::string reason;
  // What came was not to be used; asking for the same again is of no use.
  bool was_unusable = false;
};
struct Tick {};

}  // namespace link_input

using LinkInput =
    std::variant<link_input::Follow, link_input::Unfollow, link_input::Leave, link_input::Opened,
                 link_input::Line, link_input::Activity, link_input::DatasetSeen, link_input::DatasetLoaded,
                 link_input::LostWritesGathered, link_input::Lost, link_input::Tick>;

namespace link_effect {

struct Open {};
// Ends the connection, and the transfer if there is one.
struct Close {};
struct Send {
  std::string bytes;
};
// A dataset comes next on the connection; DatasetSeen is to be told before anything is dropped for it.
struct ReceiveDataset {
  std::string id;       // empty if the primary gave none (SYNC): its stream cannot be gone on with
  uint64_t offset = 0;  // of the dataset in the history
  // It is not a whole dataset: it holds the keys that differ from ours.
  bool is_rejoin = false;
};
// The dataset is welcome.
struct TakeDataset {};
// The stream goes on from where we are; the history may have another id from here on, else empty.
struct GoOn {
  std::string new_id;
};
// Our history is to end at `offset`, where it parted from the primary's. What was written since is gathered.
struct GatherLostWrites {
  uint64_t offset;
  int database;  // selected there; -1 if nobody knows
};
// Nothing was written behind `offset`, where the history is called `id`: that is our place from now on.
struct GoBack {
  std::string id;
  uint64_t offset;
  int database;
};
// What came of a failover.
struct AnswerFailover {
  bool is_accepted;
};
struct Tell {
  enum class Level : uint8_t { kNotice, kWarning } level;
  std::string text;
};

}  // namespace link_effect

using LinkEffect =
    std::variant<link_effect::Open, link_effect::Close, link_effect::Send, link_effect::ReceiveDataset,
                 link_effect::TakeDataset, link_effect::GoOn, link_effect::GatherLostWrites,
                 link_effect::GoBack, link_effect::AnswerFailover, link_effect::Tell>;

class Link {
 public:
  enum class State : uint8_t { kNone, kConnect, kConnecting, kHandshake, kRejoin, kSync, kConnected };
  static constexpr int64_t kRetryMs = 1000;

  // `settings` and `place` are as of now. The effects are in the order in which they are to be done.
  std::vector<LinkEffect> Step(int64_t now_ms, const LinkInput& input, const LinkSettings& settings,
                               const LinkPlace& place);

  State state() const { return state_; }
  bool is_following() const { return state_ != State::kNone; }
  // In the words of ROLE.
  std::string_view state_name() const;
  // When something last came.
  int64_t last_io_ms() const { return last_io_ms_; }
  // Why the primary's dataset is not taken; empty if it is.
  const std::string& refused_reason() const { return refused_reason_; }

 private:
  enum class Reply : uint8_t { kPing, kAuth, kPort, kAddress, kCapabilities, kVersion, kRejoinKeys, kPsync };
  struct Now;
  // Where our history and the primary's parted.
  struct Parting {
    std::string id;
    uint64_t offset = 0;
    int database = -1;
  };

  void On(Now& now, const link_input::Follow& input);
  void On(Now& now, const link_input::Unfollow& input);
  void On(Now& now, const link_input::Leave& input);
  void On(Now& now, const link_input::Opened& input);
  void On(Now& now, const link_input::Line& input);
  void On(Now& now, const link_input::Activity& input);
  void On(Now& now, const link_input::DatasetSeen& input);
  void On(Now& now, const link_input::DatasetLoaded& input);
  void On(Now& now, const link_input::LostWritesGathered& input);
  void On(Now& now, const link_input::Lost& input);
  void On(Now& now, const link_input::Tick& input);

  void Open(Now& now);
  void Retry(Now& now, int64_t delay_ms);
  void Greet(Now& now);
  void OnGreetingReply(Now& now, Reply asked, std::string_view reply);
  void AskForStream(Now& now);
  void OnStreamReply(Now& now, std::string_view reply);
  void OnContinue(Now& now, std::string_view reply);
  void OnFullResync(Now& now, std::string_view reply);
  void OnRejoin(Now& now, std::string_view reply);
  void OnRejoinKeysReply(Now& now, std::string_view reply);
  void OnRejoining(Now& now, std::string_view reply);
  void AskForKeys(Now& now);
  void AskForFullCopy(Now& now);
  bool ReceiveFrom(Now& now, std::string_view reply);
  void AnswerFailover(Now& now, bool is_accepted);

  State state_ = State::kNone;
  std::deque<Reply> awaited_;
  std::string primary_;
  std::string refused_reason_;
  std::string offered_id_;  // of the dataset that comes
  int64_t last_io_ms_ = 0;
  int64_t retry_at_ms_ = 0;
  bool is_guarded_ = false;
  bool has_left_ = false;         // and stays away
  bool is_failing_over_ = false;  // until the replica has answered
  bool is_forced_ = false;        // it is to take over with whatever it has
  Parting parting_;               // of kRejoin and what follows it
  bool is_rejoining_ = false;     // the keys that differ were asked for, or come
  bool are_keys_refused_ = false;
  bool avoids_rejoin_ = false;  // it has failed; until there is a stream again
};

}  // namespace hearth::replication
