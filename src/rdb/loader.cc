#include "rdb/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "keyspace/access.h"
#include "rdb/decode_containers.h"
#include "rdb/reader.h"

namespace hearth::rdb {
namespace {

// What a key takes in a file.
constexpr uint64_t kLeastKeyBytes = 4;
// For so many keys room is made at most while the size of the file is not known.
constexpr uint64_t kMostUnbackedKeys = uint64_t{1} << 22;
// Of a key in an error message.
constexpr size_t kShownKeyBytes = 64;

class Loader {
 public:
  Loader(ByteSource& source, const LoadOptions& options, LoadSink& sink)
      : reader_(source, options.checks_sum ? Reader::Checksum::kYes : Reader::Checksum::kNo),
        options_(options),
        sink_(sink) {}

  Result<LoadSummary> Run() {
    if (ReadHeader()) {
      while (ReadRecord()) continue;
    }
    if (reader_.failed()) return std::unexpected(reader_.error());
    return summary_;
  }

 private:
  bool Pass(Status status) { return status.has_value() || reader_.Fail(status.error().message); }

  bool ReadHeader() {
    char header[kHeaderBytes];
    if (!reader_.ReadBytes(header, sizeof(header))) return false;
    const std::string_view text(header, sizeof(header));
    if (!text.starts_with(kMagic)) return reader_.Fail("this is no RDB file: it does not begin with REDIS");
    const std::string_view digits = text.substr(kMagic.size());
    int version = 0;
    for (char digit : digits) {
      if (digit < '0' || digit > '9') return reader_.Fail("the version is no number");
      version = version * 10 + (digit - '0');
    }
    if (version < kMinVersion || version > kMaxVersion) {
      return reader_.Fail(
          fmt::format("the RDB version is {}; {} to {} can be read", version, kMinVersion, kMaxVersion));
    }
    summary_.version = version;
    return true;
  }

  // One opcode with what belongs to it, or a key. False at the end, or after a failure.
  bool ReadRecord() {
    uint8_t code = 0;
    if (!reader_.ReadByte(&code)) return false;
    switch (static_cast<Opcode>(code)) {
      case Opcode::kSlotInfo:
        return SkipLengths(3);
      case Opcode::kFunction2:
        return ReadFunction();
      case Opcode::kFunctionPreGa:
        return reader_.Fail("functions in the form of a release candidate of version 7.0 cannot be read");
      case Opcode::kModuleAux:
        return SkipModuleAux();
      case Opcode::kIdle:
        return ReadIdle();
      case Opcode::kFreq: {
        uint8_t frequency = 0;
        if (!reader_.ReadByte(&frequency)) return false;
        frequency_ = frequency;
        return true;
      }
      case Opcode::kAux:
        return ReadAux();
      case Opcode::kResizeDb: {
        uint64_t keys = 0;
        uint64_t expiring = 0;
        if (!reader_.ReadLength(&keys) || !reader_.ReadLength(&expiring)) return false;
        // A lie must not reserve more than the file is worth.
        const uint64_t available = reader_.Available();
        const uint64_t most =
            available == ByteSource::kUnknownSize ? kMostUnbackedKeys : available / kLeastKeyBytes;
        return Pass(sink_.OnResize(std::min(keys, most), std::min(expiring, most)));
      }
      case Opcode::kExpireTimeMs:
        return reader_.ReadLittle(&expiry_ms_);
      case Opcode::kExpireTime: {
        int32_t seconds = 0;
        if (!reader_.ReadLittle(&seconds)) return false;
        expiry_ms_ = int64_t{seconds} * 1000;
        return true;
      }
      case Opcode::kSelectDb:
        return ReadDatabase();
      case Opcode::kEof:
        ReadEnd();
        return false;
    }
    if (!IsValueType(code)) return reader_.Fail(fmt::format("no record begins with byte {}", code));
    return ReadKey(static_cast<ValueType>(code));
  }

  bool ReadKey(ValueType type) {
    LoadedKey loaded;
    loaded.offset = reader_.offset() - 1;
    if (!reader_.ReadString(&key_)) return false;
    const uint32_t access =
        keyspace::RestoredAccess(options_.decoding.settings, options_.now_ms, idle_seconds_, frequency_);
    // A time before the epoch is over, whatever it says.
    const int64_t expiry_ms = expiry_ms_ == kNone ? -1 : std::max<int64_t>(expiry_ms_, 0);
    if (!DecodeEntry(reader_, type, {key_, expiry_ms, access}, options_.decoding, &loaded.entry)) {
      return NameKey();
    }
    expiry_ms_ = kNone;
    idle_seconds_ = -1;
    frequency_ = -1;
    if (loaded.entry == nullptr) {
      ++summary_.empty_keys;
      return true;
    }
    if (options_.drops_expired && !keeps_expired_ && expiry_ms >= 0 && expiry_ms < options_.now_ms) {
      ++summary_.expired_keys;
      return true;
    }
    loaded.hash = Hash(key_);
    ++summary_.keys;
    return Pass(sink_.OnKey(std::move(loaded)));
  }

  // Says which key's value it was that could not be read.
  bool NameKey() {
    return reader_.AddToError(
        fmt::format(" (in the value of key {})", Quote(std::string_view(key_).substr(0, kShownKeyBytes))));
  }

  bool ReadDatabase() {
    uint64_t index = 0;
    if (!reader_.ReadLength(&index)) return false;
    if (index >= static_cast<uint64_t>(options_.database_count)) {
      return reader_.Fail(fmt::format("the file has a database {}, and there are {} here (see databases)",
                                      index, options_.database_count));
    }
    return Pass(sink_.OnDatabase(static_cast<int>(index)));
  }

  bool ReadAux() {
    std::string name;
    std::string_view value;
    if (!reader_.ReadString(&name) || !reader_.ReadString(&value)) return false;
    if (name == "repl-id") keeps_expired_ = true;
    return Pass(sink_.OnAux(name, value));
  }

  bool ReadFunction() {
    std::string_view code;
    return reader_.ReadString(&code) && Pass(sink_.OnFunction(code));
  }

  bool ReadIdle() {
    uint64_t seconds = 0;
    if (!reader_.ReadLength(&seconds)) return false;
    idle_seconds_ = static_cast<int64_t>(std::min<uint64_t>(seconds, INT32_MAX));
    return true;
  }

  bool SkipLengths(int count) {
    uint64_t ignored = 0;
    for (; count > 0; --count) {
      if (!reader_.ReadLength(&ignored)) return false;
    }
    return true;
  }

  // What a module keeps beside the keys is of no use without the module.
  bool SkipModuleAux() {
    // Its id, then when it is to be read, as a tagged number.
    return SkipLengths(3) && SkipModuleValues(reader_);
  }

  void ReadEnd() {
    const uint64_t computed = reader_.TakeChecksum();
    uint64_t expected = 0;
    if (summary_.version >= kFirstVersionWithChecksum && !reader_.ReadLittle(&expected)) return;
    summary_.has_checksum = expected != 0;
    summary_.bytes = reader_.offset();
    if (options_.checks_sum && expected != 0 && expected != computed) {
      reader_.Fail(
          fmt::format("the checksum is {:016x}, and that of the bytes is {:016x}", expected, computed));
    }
  }

  static constexpr int64_t kNone = INT64_MIN;

  Reader reader_;
  const LoadOptions& options_;
  LoadSink& sink_;
  LoadSummary summary_;
  // The file has a place in a history of writes: replicas have its expired keys too, so that their removal
  // must be logged as any other, and is left to the server.
  bool keeps_expired_ = false;
  // What the file said about the key to come.
  int64_t expiry_ms_ = kNone;
  int64_t idle_seconds_ = -1;
  int frequency_ = -1;
  std::string key_;
};

}  // namespace

Result<LoadSummary> LoadRdb(ByteSource& source, const LoadOptions& options, LoadSink& sink) {
  return Loader(source, options, sink).Run();
}

}  // namespace hearth::rdb
