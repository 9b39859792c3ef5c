// The write log's tail on disk: a folder of segment files (docs/formats/write_log.md) within an allowance of
// bytes, for replicas that have fallen behind what memory holds, and for a restart.
//
// Owned by the server. Append, Begin, Close and the rest of the writing side are for one thread at a time
// (the worker of log/segment_writer.h); the claims marked so may be made by any thread, and any number of
// SegmentReaders may read on threads of their own.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "env/disk.h"
#include "log/segment_file.h"

namespace hearth::log {

class Segments {
 public:
  struct Options {
    std::string folder;
    uint64_t max_bytes = 0;  // repl-backlog-disk-size
  };
  // What a restart finds.
  struct Recovered {
    // An id of the history, and the offset up to which it had that one.
    struct Name {
      std::string id;
      uint64_t end_offset = 0;
    };

    uint64_t start_offset = 0;
    uint64_t end_offset = 0;
    std::vector<Name> names;  // oldest first, at least one
    // The server had ended in order: nothing was logged that is not here.
    bool is_complete = false;
    std::string end_note;  // what it said then: see Close
  };

  Segments(env::Disk& disk, Logger& log, Options options);
  ~Segments() = default;
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  // ---- writing side

  // Looks what is there, cuts off a torn tail, and makes ready to append at its end. nullopt if there is
  // nothing of use.
  Result<std::optional<Recovered>> Recover();
  // Removes what lies behind `offset`, which is one of those there are, and an orderly end's mark.
  Status CutAt(uint64_t offset);
  // A new history: forgets all there is and starts at `offset`.
  Status Begin(std::string_view replication_id, uint64_t offset);
  // `offset` is end_offset(). After an error nothing of `bytes` counts as there, and the caller may try again
  // or Forget.
  Status Append(uint64_t offset, std::string_view bytes);
  // The history goes on under another id (a replica became primary). An error may have forgotten everything:
  // see HasAny.
  Status ChangeId(std::string_view replication_id);
  Status Sync();
  // Ends in order; `note`, of at most kMaxRecordBytes, is given back by the next Recover. Append may go on
  // afterwards.
  Status Close(std::string_view note);
  // Removes everything.
  void Forget();

  // ---- any thread

  void SetMaxBytes(uint64_t bytes);
  bool HasAny() const;
  uint64_t start_offset() const;
  uint64_t end_offset() const;
  uint64_t disk_bytes() const;

 private:
  friend class SegmentReader;

  struct Segment {
    SegmentHeader header;
    uint64_t end_offset = 0;
    uint64_t file_bytes = 0;
    std::string path;
  };

  Status ReadFolder(std::deque<Segment>& segments);
  Status RecoverLast(std::deque<Segment>& segments, Recovered& recovered);
  Status CutLastAt(uint64_t offset);
  Status StartSegment(std::string_view replication_id, uint64_t offset, uint64_t previous_start);
  Status WriteRecord(RecordKind kind, std::string_view bytes);
  Status RollIfFull();
  void TrimToAllowance();
  void Discard(const std::string& path);
  uint64_t SegmentBytes() const;
  // The segment that holds `offset`, or begins there; nullopt if none does.
  std::optional<Segment> Find(uint64_t offset) const;

  env::Disk* disk_;
  Logger* log_;
  const std::string folder_;
  std::unique_ptr<env::File> file_;  // of the last segment
  bool needs_repair_ = false;        // the file may end in a part of a record
  std::atomic<uint64_t> max_bytes_;

  mutable std::mutex mutex_;
  std::deque<Segment> segments_;  // under mutex_; ascending and adjacent
};

// Reads the log from disk, from an offset on. Owned by whoever serves a lagging replica; one thread.
class SegmentReader {
 public:
  explicit SegmentReader(Segments& segments) : segments_(&segments) {}

  // Bytes of the log from `offset` on, as far as one record has them: into `to`. Empty if `offset` is the end
  // of what is on disk; an error if it is not on disk (any more) or what stands there is damaged. Reading on
  // where the last call ended costs no search.
  Status Read(uint64_t offset, std::string& to);

 private:
  Status Position(uint64_t offset);

  Segments* segments_;
  std::unique_ptr<env::File> file_;
  std::optional<RecordScanner> scanner_;
  uint64_t segment_start_ = 0;
};

}  // namespace hearth::log
