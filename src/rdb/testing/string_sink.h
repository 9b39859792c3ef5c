// A sink that keeps what it is given. For unit tests.
#pragma once

#include <string>
#include <string_view>

#include "rdb/byte_sink.h"

namespace hearth::rdb::testing {

class StringSink final : public ByteSink {
 public:
  Status Write(std::string_view more) override {
    bytes.append(more);
    return {};
  }
  Status Finish() override { return {}; }

  std::string bytes;
};

}  // namespace hearth::rdb::testing
