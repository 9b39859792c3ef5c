// Where an encoded snapshot goes: a file (file_sink.h), or sockets elsewhere. Used by one worker thread at a
// time; calls may block it. After a failure only the destructor is called.
#pragma once

#include <string_view>

#include "base/result.h"

namespace hearth::rdb {

class ByteSink {
 public:
  virtual ~ByteSink() = default;

  virtual Status Write(std::string_view bytes) = 0;
  // All bytes have come: makes them last, and shows them to those who wait for them.
  virtual Status Finish() = 0;
};

}  // namespace hearth::rdb
