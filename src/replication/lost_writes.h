// What this server, whose history has parted from its primary's, is going to give up: looks through its own
// log from the parting on, says which keys were written, and saves the commands in a file
// `lost-writes-<Unix time>-<id>-<offset>.aof` in `dir`, for somebody who wants to look or to play them again.
//
// The work is done on a thread. The file gets its name by Commit, to be called just before the data goes;
// without that nothing is left of it. It has a SELECT and the commands as they are in the log, from <offset>
// on in the history <id>, and is on disk when it has its name.
//
// Owned by the primary link; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/engine.h"
#include "env/disk.h"
#include "net/event_loop.h"
#include "persistence/persistence.h"
#include "replication/core/link.h"
#include "replication/log_walker.h"

namespace hearth::replication {

class LostWrites {
 public:
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Disk& disk;
    persistence::Persistence& persistence;
  };
  // What may be looked through.
  static constexpr uint64_t kMaxLogBytes = uint64_t{1} << 30;

  // `where` is from where on, within our history; the loop is woken when it is done.
  LostWrites(const Parts& parts, const link_effect::GatherLostWrites& where);
  ~LostWrites();
  LostWrites(const LostWrites&) = delete;
  LostWrites& operator=(const LostWrites&) = delete;

  bool is_done() const { return walker_ == nullptr || walker_->is_done(); }

  // ---- when it is done

  // For the link's machine.
  link_input::LostWritesGathered Outcome() const;
  // Why nobody knows which keys were written, or the commands could not be saved; empty if neither is so.
  const std::string& failure() const { return failure_; }
  // Once it is done: fills the two above. Once.
  void Finish();

  const std::shared_ptr<WrittenKeys>& keys() const { return walk_.keys(); }
  uint64_t command_count() const { return walk_.command_count(); }
  // The file gets its name, if there is something in it. Nothing is done by a second call.
  Status Commit();
  // Its name without the folder; empty before Commit, and if there is none.
  const std::string& file_name() const { return file_name_; }

 private:
  void Start(const link_effect::GatherLostWrites& where);
  Status Save(std::string_view bytes);
  Status WriteOut();
  Status FinishFile();

  const Parts parts_;
  const std::string folder_;
  const std::string final_name_;
  const std::string temporary_path_;
  const int database_;
  LogWalk walk_;
  std::string failure_;
  bool is_usable_ = false;
  std::string file_name_;

  // The thread's, until it is done.
  std::unique_ptr<env::File> file_;
  std::string unwritten_;

  std::unique_ptr<LogWalker> walker_;
};

// Requests that tell a primary of keys: REPLCONF rejoin-keys, in pieces that a primary takes.
std::string RejoinKeysRequests(const WrittenKeys& keys, size_t* count);

}  // namespace hearth::replication
