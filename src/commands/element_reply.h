// Elements of containers as replies, without a copy in between.
#pragma once

#include "ds/listpack.h"
#include "resp/writer.h"

namespace hearth::commands {

inline void ReplyElement(resp::Writer& reply, const ds::ListpackValue& element) {
  if (element.is_number) {
    reply.BulkInteger(element.number);
  } else {
    reply.Bulk(element.text);
  }
}

}  // namespace hearth::commands
