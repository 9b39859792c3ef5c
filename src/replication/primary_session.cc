// The tasks of a session with the primary: from connecting to the end of the dataset.

#include "replication/primary_session.h"

#include <algorithm>

#include "replication/transfer_load.h"

namespace hearth::replication {
namespace {

constexpr size_t kMaxLineBytes = 4096;
constexpr size_t kReadBytes = 64 * 1024;
// After so many bytes others get their turn.
constexpr size_t kBytesPerTurn = 1024 * 1024;
// A dataset without keys is never larger, unless it is full of functions: so much is looked at before
// anything is done for it.
constexpr size_t kLookedAtBytes = 64 * 1024;

bool IsNumeric(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

// The session may be gone when the name is known: whoever waits is asked for on the loop's thread.
void PrimaryLink::NameLookup::await_suspend(std::coroutine_handle<> waiting) {
  session_.name_waiter = waiting;
  auto outcome = std::make_shared<Result<std::string>>();
  const std::weak_ptr<char> alive = session_.alive;
  session_.lookup = std::jthread([&session = session_, &loop = loop_, host = host_, outcome, alive] {
    *outcome = env::MakeSystemNameResolver()->Resolve(host);
    loop.PostFromOtherThread([&session, outcome, alive] {
      if (alive.expired()) return;
      session.address = *outcome;
      if (session.name_waiter) session.name_waiter.resume();
    });
  });
}

net::Task<void> PrimaryLink::Talk(Session& session) {
  net::Task<bool> connecting = Connect(session);
  const bool is_connected = co_await connecting;
  if (!is_connected) co_return;
  Feed(link_input::Opened());
  net::Task<void> talking = TalkInLines(session);
  co_await talking;
  if (session.phase != Session::Phase::kDataset) co_return;
  net::Task<void> receiving = ReceiveDataset(session);
  co_await receiving;
}

// The timeout of all these is the machine's.
net::Task<bool> PrimaryLink::Connect(Session& session) {
  env::Endpoint endpoint{.host = host_, .port = port_, .source_address = settings_.bind_source_addr};
  if (!IsNumeric(endpoint.host)) {
    NameLookup lookup(session, parts_.loop, endpoint.host);
    co_await lookup;
    if (session.is_over()) co_return false;
    if (!session.address) {
      Feed(link_input::Lost{session.address.error().message});
      co_return false;
    }
    endpoint.host = *session.address;
  }
  net::Task<Result<std::unique_ptr<net::Stream>>> connecting = net::Stream::Connect(
      parts_.loop, parts_.net, endpoint, net::Stream::kNoTimeout, parts_.tls.for_links());
  Result<std::unique_ptr<net::Stream>> stream = co_await connecting;
  if (session.is_over()) co_return false;
  if (!stream) {
    Feed(link_input::Lost{stream.error().message});
    co_return false;
  }
  session.stream = std::move(*stream);
  if (Status status = parts_.net.Configure(session.stream->fd(), {}); !status) {
    parts_.log.Verbose("{}", status.error().message);
  }
  co_return true;
}

// What the machine wants said is written as soon as it has said it.
net::Task<void> PrimaryLink::TalkInLines(Session& session) {
  while (session.phase != Session::Phase::kOver) {
    if (!session.outgoing.empty()) {
      const std::string bytes = std::exchange(session.outgoing, {});
      net::Task<Status> writing = session.stream->WriteAll(bytes, net::Stream::kNoTimeout);
      const Status written = co_await writing;
      if (session.is_over()) co_return;
      if (!written) {
        Feed(link_input::Lost{written.error().message});
        co_return;
      }
    }
    if (session.phase == Session::Phase::kGathering) {
      Gathering gathering(session);
      co_await gathering;
      continue;
    }
    if (session.phase != Session::Phase::kLines) co_return;
    net::Task<Result<std::string>> reading = session.stream->ReadLine(kMaxLineBytes, net::Stream::kNoTimeout);
    const Result<std::string> line = co_await reading;
    if (session.is_over()) co_return;
    if (!line) {
      Feed(link_input::Lost{line.error().message});
      co_return;
    }
    Feed(link_input::Line{*line});
  }
}

net::Task<void> PrimaryLink::ReceiveDataset(Session& session) {
  session.read = std::make_unique_for_overwrite<char[]>(kReadBytes);
  net::Task<bool> beginning = ReceiveHeader(session);
  const bool has_header = co_await beginning;
  if (!has_header) co_return;
  while (!session.payload.is_over() && session.pending.size() < kLookedAtBytes) {
    net::Task<bool> receiving = ReceiveSome(session);
    const bool has_more = co_await receiving;
    if (!has_more) co_return;
  }
  Feed(link_input::DatasetSeen{session.payload.is_over() && IsEmptyDataset(session.pending, parts_.engine)});
  if (session.is_over()) co_return;
  dataset_bytes_ += session.pending.size();
  transfer_->Push(std::exchange(session.pending, {}));
  size_t in_this_turn = 0;
  while (!session.payload.is_over()) {
    if (transfer_->is_full()) {
      Room room(session);
      co_await room;
      if (session.is_over()) co_return;
    }
    net::Task<bool> receiving = ReceiveSome(session);
    const bool has_more = co_await receiving;
    if (!has_more) co_return;
    in_this_turn += session.pending.size();
    dataset_bytes_ += session.pending.size();
    transfer_->Push(std::exchange(session.pending, {}));
    if (in_this_turn < kBytesPerTurn) continue;
    in_this_turn = 0;
    net::Sleep others_turn(parts_.loop, 0);
    co_await others_turn;
    if (session.is_over()) co_return;
  }
  transfer_->End();
}

// False if the session is over.
net::Task<bool> PrimaryLink::ReceiveHeader(Session& session) {
  for (;;) {
    net::Task<Result<std::string>> reading =
        session.stream->ReadLine(TransferPayload::kMaxHeaderBytes, net::Stream::kNoTimeout);
    const Result<std::string> line = co_await reading;
    if (session.is_over()) co_return false;
    if (!line) {
      Feed(link_input::Lost{line.error().message});
      co_return false;
    }
    Feed(link_input::Activity());
    // The primary is at work on it.
    if (line->empty()) continue;
    auto payload = TransferPayload::Parse(*line);
    if (!payload) {
      Feed(link_input::Lost{payload.error().message});
      co_return false;
    }
    session.payload = std::move(*payload);
    co_return true;
  }
}

// More of the dataset, into `pending`. False if the session is over.
net::Task<bool> PrimaryLink::ReceiveSome(Session& session) {
  net::Task<Result<size_t>> reading =
      session.stream->ReadSome({session.read.get(), kReadBytes}, net::Stream::kNoTimeout);
  const Result<size_t> got = co_await reading;
  if (session.is_over()) co_return false;
  if (!got || *got == 0) {
    Feed(link_input::Lost{got ? "the primary has ended the connection" : got.error().message});
    co_return false;
  }
  Feed(link_input::Activity());
  const std::string_view bytes(session.read.get(), *got);
  const size_t used = session.payload.Take(bytes, session.pending);
  session.received.append(bytes.substr(used));
  co_return true;
}

// Tells the primary that we are alive while we load.
net::Task<void> PrimaryLink::SendNewline(Session& session) {
  session.is_sending_newline = true;
  net::Task<Status> writing = session.stream->WriteAll("\n", net::Stream::kNoTimeout);
  // When that fails, reading will say so.
  static_cast<void>(co_await writing);
  session.is_sending_newline = false;
}

}  // namespace hearth::replication
