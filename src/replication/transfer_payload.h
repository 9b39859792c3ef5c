// Where the dataset of a full sync ends in what the primary sends: "$<size>" and so many bytes, or
// "$EOF:<mark>" and all up to the mark, 40 bytes that stand nowhere in the dataset but by the unlikeliest
// chance. What follows is the stream.
//
// Plain data of the transfer; any one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::replication {

class TransferPayload {
 public:
  static constexpr size_t kMarkBytes = 40;
  static constexpr size_t kMaxHeaderBytes = 1024;

  // From the line that announces it, without its end. An error is the primary's, or says what is wrong.
  static Result<TransferPayload> Parse(std::string_view header);

  // Takes what has come next: bytes of the dataset are appended to `dataset`. Gives how many bytes were used;
  // what is left, once it is over, is the stream.
  size_t Take(std::string_view bytes, std::string& dataset);
  bool is_over() const { return is_over_; }

  // Nothing if only its mark says.
  std::optional<uint64_t> size_bytes() const { return size_; }
  // Bytes of the dataset so far.
  uint64_t taken_bytes() const { return taken_; }

 private:
  size_t TakeSized(std::string_view bytes, std::string& dataset);
  size_t TakeMarked(std::string_view bytes, std::string& dataset);

  std::optional<uint64_t> size_;
  std::string mark_;
  std::string tail_;  // the beginning of the mark, perhaps
  uint64_t taken_ = 0;
  bool is_over_ = false;
};

}  // namespace hearth::replication
