// What the parts above the engine do when something has happened in it. Each is set by the part that it is
// for, which takes it back before it ends; empty ones cost a comparison. Engine thread only.
#pragma once

#include <cstddef>
#include <functional>

#include "engine/promises.h"
#include "net/batch.h"

namespace hearth::engine {

class Client;

struct Hooks {
  std::function<void(Client&)> on_open;
  std::function<void(Client&)> on_close;
  // A client's command or batch is done: output limits.
  std::function<void(Client&)> after_batch;
  // A client's command or transaction has given effects to the sink.
  std::function<void(Client&, const WrittenUnit&)> after_write;
  // A request of a client that is kFromPrimary has run.
  std::function<void(Client&, net::Batch&, size_t index)> after_stream_request;
  // FLUSHALL has emptied everything.
  std::function<void()> on_all_flushed;
  // The dataset is not what it should be, or cannot be kept, and the settings say that the process ends then.
  std::function<void()> on_panic;
};

}  // namespace hearth::engine
