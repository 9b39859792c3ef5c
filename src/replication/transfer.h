// The dataset of a full sync on its way from the primary to the keyspace: through a file, or straight.
//
// Whoever receives pushes the bytes in; a worker takes them out, and the engine thread inserts what it makes
// of them (transfer_load.h). Owned by the primary link; engine thread only. Destroying one that is not over
// gives it up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/disk.h"
#include "net/event_loop.h"
#include "rdb/aux_fields.h"
#include "replication/transfer_file.h"
#include "replication/transfer_load.h"
#include "replication/transfer_queue.h"

namespace hearth::replication {

class Transfer {
 public:
  enum class Mode : uint8_t {
    kFile,     // stored first, then loaded in place
    kInPlace,  // loaded as it comes
    kBeside,   // loaded as it comes, beside the old data
    kRejoin,   // stored first, then put among the old data: some keys alone
  };
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    env::Disk& disk;
    Logger& log;
    // Called before loading begins: ends every cut of the keyspace.
    std::function<void()> prepare;
    // kRejoin: the keys that were written here since histories parted, and what is called before they go.
    std::shared_ptr<WrittenKeys> replaced{};
    std::function<Status()> before_replacing{};
  };
  // What a rejoin may bring; a full copy is better then.
  static constexpr uint64_t kMaxRejoinBytes = uint64_t{512} << 20;

  // As `repl-diskless-load` says.
  static Mode ModeFor(engine::Engine& engine);

  Transfer(const Parts& parts, Mode mode, std::optional<uint64_t> size_bytes);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // ---- what arrives; the loop is woken when there is room again

  void Push(std::string bytes);
  bool is_full() const { return queue_->is_full(); }
  void End();

  // ---- what becomes of it

  // Once a turn. The outcome, once there is one.
  std::optional<Status> Advance();
  const rdb::AuxFields& aux_fields() const { return load_->aux_fields(); }
  bool has_dropped_old() const { return load_ != nullptr && load_->has_dropped_old(); }
  // Clients are served meanwhile.
  bool is_beside() const { return mode_ == Mode::kBeside || mode_ == Mode::kRejoin; }
  // After it has come to a good end: the file of a whole dataset takes the place of our own snapshot, or
  // goes.
  void KeepFile();

  // ---- for INFO

  Mode mode() const { return mode_; }
  std::optional<uint64_t> size_bytes() const { return size_; }
  uint64_t received_bytes() const { return received_; }
  bool is_received() const { return is_received_; }
  bool is_loading() const { return load_ != nullptr; }
  uint64_t loaded_bytes() const { return load_ == nullptr ? 0 : load_->loaded_bytes(); }
  int64_t loading_since_seconds() const { return loading_since_; }

 private:
  bool is_stored() const { return mode_ == Mode::kFile || mode_ == Mode::kRejoin; }
  std::string TemporaryPath() const;
  void StartLoading(std::unique_ptr<rdb::ByteSource> source);
  void RemoveFile();

  const Parts parts_;
  const Mode mode_;
  const std::optional<uint64_t> size_;
  const std::shared_ptr<TransferQueue> queue_;
  std::unique_ptr<TransferFile> file_;
  std::unique_ptr<TransferLoad> load_;
  uint64_t received_ = 0;
  bool is_received_ = false;
  bool is_file_kept_ = false;
  int64_t loading_since_ = 0;  // Unix time
};

}  // namespace hearth::replication
