// Reads one AOF file (docs/formats/aof.md) command by command: RESP arrays of bulk strings, and annotations.
// Tells a file that merely ends too early from one that holds something else. What is announced is believed
// only as far as the file is long, so that broken files cost no memory.
//
// Used by the loader and by hearth-check-aof; one thread, which owns it. The file must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/disk.h"

namespace hearth::aof {

class Reader {
 public:
  static constexpr size_t kMaxAnnotationBytes = 1024;

  enum class Kind {
    kCommand,     // see args()
    kAnnotation,  // see annotation()
    kEnd,
    kTruncated,  // the file ends inside of what begins at offset()
  };

  // Reads on from `start`, where something must begin.
  static Result<Reader> Open(env::File& file, uint64_t start);

  // An error's code is 0 where the bytes are wrong (the message has the byte offset), else it is the disk's.
  Result<Kind> Next();

  // Where the last complete item ends: what comes before this is sound.
  uint64_t offset() const { return offset_; }
  uint64_t file_bytes() const { return file_bytes_; }
  // Of the last item; valid until the next call.
  std::span<const std::string_view> args() const { return args_; }
  std::string_view annotation() const { return annotation_; }

 private:
  // Of one step of parsing: go on, or the file ends here.
  enum class Step { kDone, kTruncated };
  struct Place {
    uint64_t offset;
    size_t size;
  };

  Reader(env::File& file, uint64_t start, uint64_t file_bytes)
      : file_(&file), file_bytes_(file_bytes), offset_(start), at_(start), buffer_start_(start) {}

  Result<Kind> ReadAnnotation();
  Result<Kind> ReadCommand();
  Result<Step> ReadArgument();
  // The number of a line "<mark><number>\r\n", at least `minimum`.
  Result<Step> ReadNumber(char mark, int64_t minimum, int64_t* number);
  // Makes `size` bytes from at_ on be in the buffer; kTruncated if the file has fewer.
  Result<Step> Want(uint64_t size);
  std::string_view Buffered() const;

  env::File* file_;
  uint64_t file_bytes_;
  uint64_t offset_;        // behind the last complete item
  uint64_t at_;            // the next byte to parse
  uint64_t buffer_start_;  // where in the file the buffer begins; at or before offset_
  std::string buffer_;
  std::vector<Place> places_;
  std::vector<std::string_view> args_;
  std::string_view annotation_;
};

// The seconds of a "#TS:<unix seconds>" annotation; nullopt if it is another one.
std::optional<int64_t> TimestampOf(std::string_view annotation);

}  // namespace hearth::aof
