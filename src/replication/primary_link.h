// The link of this server, a replica, to its primary: connects, says who we are, takes a dataset or goes on
// where it was, and follows the stream. What to do is decided by a pure machine (core/link.h); this carries
// it out.
//
// A connection is first a session of its own, read line by line. When the stream begins, the socket becomes a
// net::Connection like a client's, so that the stream is parsed, prefetched and run in the way that is fast.
//
// Owned by the replication front; engine thread only. Limitations: a host's name is looked up once for each
// connection, on a thread that is waited for when the link ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "env/disk.h"
#include "env/net.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "net/task.h"
#include "net/tls_context.h"
#include "persistence/persistence.h"
#include "replication/core/link.h"
#include "replication/lost_writes.h"
#include "replication/stream_log.h"
#include "replication/sync_history.h"
#include "replication/transfer.h"
#include "replication/transfer_payload.h"

namespace hearth::replication {

// What INFO and ROLE tell of the link.
struct PrimaryLinkStatus {
  std::string_view state_name;  // as ROLE has it
  bool is_up = false;
  int64_t last_io_seconds = -1;     // since something came; -1 while the link is down
  int64_t down_since_seconds = -1;  // how long it has been down; -1 while it is up or has never been
  uint64_t read_offset = 0;
  uint64_t applied_offset = 0;
  std::string refused_reason;
  // A dataset is being received.
  bool is_syncing = false;
  uint64_t sync_total_bytes = 0;  // 0 if not known
  uint64_t sync_read_bytes = 0;
  int64_t sync_last_io_seconds = -1;
  // It is being loaded.
  bool is_loading = false;
  bool is_loading_beside = false;  // clients are served meanwhile
  int64_t loading_since_seconds = 0;
  uint64_t loading_total_bytes = 0;  // 0 if not known
  uint64_t loading_loaded_bytes = 0;
};

// What was given up in favour of primaries since the start, where histories had parted.
struct RejoinStats {
  uint64_t rejoins = 0;  // without a full copy
  uint64_t lost_commands = 0;
  std::string lost_writes_file;  // the last one, without its folder; empty if there was none
};

class PrimaryLink {
 public:
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Net& net;
    net::IoThreads& connections;
    env::Clock& clock;
    env::Disk& disk;
    Logger& log;
    persistence::Persistence& persistence;
    SyncHistory& sync_history;
    const net::Tls& tls;
    // Our history is going to be replaced: whoever reads the log, or waits for a cut, must go. Also called
    // when nothing of that kind is there.
    std::function<void()> on_full_sync;
    // The history goes on under another id.
    std::function<void()> on_new_id;
    std::string version;  // to tell the primary; empty for not
    // What came of a failover. May stop the link, or follow another.
    std::function<void(bool is_accepted)> on_failover_answer;
    // What we say of ourselves in promised writes, and a text of the primary's in the stream
    // (core/acks_set.h).
    std::function<std::string()> acks_word;
    std::function<void(std::string_view)> on_note;
  };
  explicit PrimaryLink(const Parts& parts);
  ~PrimaryLink();
  PrimaryLink(const PrimaryLink&) = delete;
  PrimaryLink& operator=(const PrimaryLink&) = delete;

  // From now on this server is a replica, of this primary. What it has followed before is left.
  void Follow(std::string host, int port, Origin origin);
  // It is a primary again: its history goes on under an id of its own.
  void Stop();
  // It stays a replica without a link, until Follow or Stop: nothing is acknowledged any more.
  void Leave();
  bool is_following() const { return link_.is_following(); }
  // The stream is there.
  bool is_up() const { return link_.state() == Link::State::kConnected; }
  // Why the primary's dataset is not taken; empty if it is.
  const std::string& refused_reason() const { return link_.refused_reason(); }

  // Once a turn, before replies leave.
  void BeforeWait();
  // Ten times a second.
  void Tick();
  // A client has gone; it may have been our primary.
  void OnClosed(engine::Client& client);
  // After settings changed: what clients are refused.
  void RefreshRefusals();

  PrimaryLinkStatus status() const;
  const RejoinStats& rejoin_stats() const { return rejoin_stats_; }
  // Of datasets and streams, since the start.
  uint64_t received_bytes() const;

 private:
  // One connection up to the beginning of the stream.
  struct Session;
  class Room;
  class Gathering;
  class NameLookup;

  void Feed(const LinkInput& input);
  LinkSettings SettingsNow() const;
  LinkPlace PlaceNow() const;
  int64_t NowMs() const { return parts_.loop.NowMicros() / 1000; }

  void Do(const link_effect::Open& effect);
  void Do(const link_effect::Close& effect);
  void Do(const link_effect::Send& effect);
  void Do(const link_effect::ReceiveDataset& effect);
  void Do(const link_effect::TakeDataset& effect);
  void Do(const link_effect::GoOn& effect);
  void Do(const link_effect::GatherLostWrites& effect);
  void Do(const link_effect::GoBack& effect);
  void Do(const link_effect::AnswerFailover& effect);
  void Do(const link_effect::Tell& effect);

  // The session's tasks. After each Feed the session may be over.
  net::Task<void> Talk(Session& session);
  net::Task<bool> Connect(Session& session);
  net::Task<void> TalkInLines(Session& session);
  net::Task<void> ReceiveDataset(Session& session);
  net::Task<bool> ReceiveHeader(Session& session);
  net::Task<bool> ReceiveSome(Session& session);
  net::Task<void> SendNewline(Session& session);
  void EndSession();
  std::string WhyDataset(const std::string& id) const;
  void BeginSync(SyncRecord::Kind kind, std::string cause);
  void NoteHowSyncEnded(const LinkInput& input, bool was_refused);

  void FinishGathering();
  Status CommitLostWrites();
  void PrepareForLoading();
  void ResumeAppendOnly();
  void AdvanceTransfer();
  void FinishTransfer();
  void BeginStream(int database);
  void SendAck();

  const Parts parts_;
  const settings::Settings& settings_;
  Link link_;
  std::string host_;
  int port_ = 0;
  StreamLog stream_log_;
  const uint16_t ping_;

  // The stream; null while there is none.
  net::Connection* connection_ = nullptr;
  uint64_t seen_read_bytes_ = 0;
  bool sends_acks_ = true;  // a primary of old would not understand

  // The dataset that comes.
  std::string dataset_id_;
  uint64_t dataset_offset_ = 0;
  std::unique_ptr<Transfer> transfer_;
  bool is_rejoin_ = false;  // it is of some keys alone
  std::unique_ptr<LostWrites> lost_writes_;
  RejoinStats rejoin_stats_;
  bool is_append_only_suspended_ = false;
  uint64_t sync_number_ = 0;    // in the history of synchronisations, while one runs
  uint64_t sync_bytes_ = 0;     // that came of it before the link broke
  uint64_t dataset_bytes_ = 0;  // of all datasets
  uint64_t ended_stream_bytes_ = 0;

  int64_t last_ack_ms_ = 0;
  int64_t last_newline_ms_ = 0;
  int64_t down_since_ms_ = -1;
  std::unique_ptr<Session> session_;
  std::vector<std::unique_ptr<Session>> ended_;  // to be destroyed outside of their own tasks
};

}  // namespace hearth::replication
