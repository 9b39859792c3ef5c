// Where the bytes of an RDB come from, block by block: memory, a file, or (elsewhere) a socket. A source
// belongs to one Reader (reader.h) at a time, which calls it on its own thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "env/disk.h"

namespace hearth::rdb {

class ByteSource {
 public:
  static constexpr uint64_t kUnknownSize = UINT64_MAX;

  virtual ~ByteSource() = default;

  // The next bytes; empty at the end. They are good until the next call.
  virtual Result<std::string_view> NextBlock() = 0;

  // How many bytes will still come, if that is known. Lengths that the input cannot back up are refused by it
  // before anything is allocated for them.
  virtual uint64_t BytesLeft() const = 0;
};

// Bytes that somebody else keeps for as long.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}

  Result<std::string_view> NextBlock() override { return std::exchange(bytes_, {}); }
  uint64_t BytesLeft() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

// A file from an offset to the end that it had when this was made.
class FileSource final : public ByteSource {
 public:
  // Large enough for the disk to read on its own, small enough to stay in the cache until it is decoded.
  static constexpr size_t kBlockBytes = 256 * 1024;

  FileSource(std::unique_ptr<env::File> file, uint64_t offset, uint64_t end);
  static Result<std::unique_ptr<FileSource>> Open(env::Disk& disk, const std::string& path);

  Result<std::string_view> NextBlock() override;
  uint64_t BytesLeft() const override { return end_ - offset_; }

 private:
  const std::unique_ptr<env::File> file_;
  uint64_t offset_;
  uint64_t end_;
  std::unique_ptr<char[]> block_;
};

}  // namespace hearth::rdb
