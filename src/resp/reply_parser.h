// Incremental parser of what servers answer, RESP2 and RESP3, into a tree. For our own outgoing links
// (replication, Sentinel, cluster tools): it favours plainness over speed. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth::resp {

struct Reply {
  enum class Kind : uint8_t {
    kNull,
    kSimple,
    kError,
    kInteger,
    kBulk,
    kArray,
    kMap,  // elements are key, value, key, value, ...
    kSet,
    kPush,
    kDouble,
    kBoolean,
    kBigNumber,
    kVerbatim,  // text without its format prefix
  };

  Kind kind = Kind::kNull;
  int64_t integer = 0;  // kInteger, kBoolean
  double number = 0;    // kDouble
  std::string text;  // kSimple, kError (without '-'), kBulk, kBigNumber, kVerbatim, and kDouble as received
  std::vector<Reply> elements;

  bool is_null() const { return kind == Kind::kNull; }
  bool is_error() const { return kind == Kind::kError; }
  bool is_text() const { return kind == Kind::kSimple || kind == Kind::kBulk || kind == Kind::kVerbatim; }
  bool is_aggregate() const {
    return kind == Kind::kArray || kind == Kind::kMap || kind == Kind::kSet || kind == Kind::kPush;
  }
};

struct ReplyLimits {
  size_t max_depth = 32;
  size_t max_bulk_bytes = 512u * 1024 * 1024;
  size_t max_elements = 16u * 1024 * 1024;  // in one reply, all levels together
  size_t max_line_bytes = 64 * 1024;
};

class ReplyParser {
 public:
  explicit ReplyParser(ReplyLimits limits = {}) : limits_(limits) {}

  // Takes bytes from the front of `input` until one reply is complete or the input is used up, and removes
  // what it took. True when `take_reply()` has a reply. After an error the parser stays in it.
  Result<bool> Feed(std::string_view& input);

  // The complete reply; readies the parser for the next one.
  Reply TakeReply();

 private:
  // An aggregate under construction; its parent's is the one before it.
  struct Level {
    Reply reply;
    size_t left;
    bool is_attribute;
  };

  Result<bool> TakeLine(std::string_view& input);
  Status StartValue(std::string_view line);
  Status StartAggregate(char kind, std::string_view length_text);
  Status StartBulk(char kind, std::string_view length_text);
  Status TakeBulk(std::string_view& input);
  Status FinishValue(Reply reply);
  Status Broken(std::string message);

  ReplyLimits limits_;
  std::vector<Level> levels_;
  std::string line_;      // a line that has arrived in part
  Reply bulk_;            // the bulk string being received
  size_t bulk_left_ = 0;  // its bytes to come, CR LF included
  bool in_bulk_ = false;
  bool complete_ = false;
  size_t element_count_ = 0;
  Reply result_;
  std::string broken_;
};

}  // namespace hearth::resp
