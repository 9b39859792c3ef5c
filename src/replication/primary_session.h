// A connection to the primary while it is talked to line by line, and the waits of its tasks. Part of the
// primary link.
#pragma once

#include <coroutine>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "net/stream.h"
#include "net/task.h"
#include "replication/primary_link.h"

namespace hearth::replication {

struct PrimaryLink::Session {
  enum class Phase : uint8_t { kLines, kGathering, kDataset, kOver };

  Phase phase = Phase::kLines;
  std::unique_ptr<net::Stream> stream;
  std::string outgoing;          // not handed to the stream yet
  TransferPayload payload;       // of the dataset
  std::unique_ptr<char[]> read;  // what ReceiveSome reads into
  std::string pending;           // bytes of the dataset that are in no transfer yet
  std::string received;          // behind the dataset: the stream
  std::coroutine_handle<> room_waiter;
  std::coroutine_handle<> gathering_waiter;
  std::coroutine_handle<> name_waiter;
  Result<std::string> address;  // that the primary's name stands for
  std::shared_ptr<char> alive = std::make_shared<char>();
  std::jthread lookup;
  bool is_sending_newline = false;
  // The last member: its tasks use the others.
  net::TaskScope tasks;

  bool is_over() const { return phase == Phase::kOver; }
};

// Waits until the transfer has room. BeforeWait looks.
class PrimaryLink::Room {
 public:
  explicit Room(Session& session) : session_(session) {}
  ~Room() { session_.room_waiter = nullptr; }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { session_.room_waiter = waiting; }
  void await_resume() const noexcept {}

 private:
  Session& session_;
};

// Waits until it is known what was written here since histories parted. BeforeWait looks.
class PrimaryLink::Gathering {
 public:
  explicit Gathering(Session& session) : session_(session) {}
  ~Gathering() { session_.gathering_waiter = nullptr; }
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { session_.gathering_waiter = waiting; }
  void await_resume() const noexcept {}

 private:
  Session& session_;
};

// Looks a host's name up on a thread, into the session's `address`.
class PrimaryLink::NameLookup {
 public:
  NameLookup(Session& session, net::EventLoop& loop, std::string host)
      : session_(session), loop_(loop), host_(std::move(host)) {}
  ~NameLookup() { session_.name_waiter = nullptr; }
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting);
  void await_resume() const noexcept {}

 private:
  Session& session_;
  net::EventLoop& loop_;
  const std::string host_;
};

}  // namespace hearth::replication
