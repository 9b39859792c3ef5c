#include "sentinel/links.h"

#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "base/numbers.h"
#include "base/text.h"
#include "net/resp_client.h"
#include "sentinel/core/address.h"

namespace hearth::sentinel {
namespace {

// For the name, the connection and the setup together. How long a link that stands may be silent is the
// machine's matter.
constexpr int64_t kOpenTimeoutMicros = 5'000'000;
// A host that can be reached takes a connection at once, whatever its processes do; trying anew is sooner
// than TCP's own second and third try.
constexpr int64_t kConnectTimeoutMicros = 1'000'000;
constexpr int64_t kNoTimeoutMicros = int64_t{24} * 3600 * 1'000'000;

// A report of a server with thousands of replicas has less; what is larger is hostile.
constexpr resp::ReplyLimits kReplyLimits = {
    .max_depth = 8, .max_bulk_bytes = 8u << 20, .max_elements = 1u << 16, .max_line_bytes = 64u << 10};

}  // namespace

Reply ToMachineReply(resp::Reply reply) {
  using Kind = resp::Reply::Kind;
  Reply result;
  result.integer = reply.integer;
  result.text = std::move(reply.text);
  switch (reply.kind) {
    case Kind::kNull:
      result.kind = Reply::Kind::kNull;
      break;
    case Kind::kSimple:
      result.kind = Reply::Kind::kStatus;
      break;
    case Kind::kError:
      result.kind = Reply::Kind::kError;
      break;
    case Kind::kInteger:
    case Kind::kBoolean:
      result.kind = Reply::Kind::kInteger;
      break;
    case Kind::kBulk:
    case Kind::kVerbatim:
    case Kind::kDouble:
    case Kind::kBigNumber:
      result.kind = Reply::Kind::kText;
      break;
    case Kind::kArray:
    case Kind::kMap:
    case Kind::kSet:
    case Kind::kPush:
      result.kind = Reply::Kind::kArray;
      for (resp::Reply& element : reply.elements) {
        result.elements.push_back(ToMachineReply(std::move(element)));
      }
      break;
  }
  return result;
}

LinkEnd EndOf(int code, bool was_open) {
  switch (code) {
    case ECONNREFUSED:
      return LinkEnd::kRefused;
    case ETIMEDOUT:
      return was_open ? LinkEnd::kReset : LinkEnd::kTimedOut;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return LinkEnd::kReset;
    default:
      return was_open ? LinkEnd::kReset : LinkEnd::kUnreachable;
  }
}

Address ParseAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {std::string(text), 0};
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {std::string(host), static_cast<int>(ParseInt64(text.substr(colon + 1)).value_or(0))};
}

struct Links::Link {
  LinkId id;
  bool is_subscriber;
  std::vector<std::vector<std::string>> setup;
  size_t unanswered;  // commands of the setup
  bool is_open = false;
  net::TimerId timeout = 0;
  std::unique_ptr<net::RespClient> client;
};

Links::Links(net::EventLoop& loop, env::Net& net, const net::Tls& tls, NameLookup& names, OnInput on_input)
    : loop_(loop), net_(net), tls_(tls), names_(names), on_input_(std::move(on_input)) {}

Links::~Links() {
  for (const auto& [id, link] : links_) loop_.Cancel(link->timeout);
}

Links::Link* Links::Find(LinkId id) {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : found->second.get();
}

void Links::Open(const effect::OpenLink& wanted) {
  HEARTH_ASSERT(!links_.contains(wanted.link));
  net::RespClient::Options options;
  options.connect_timeout_micros = kConnectTimeoutMicros;
  options.command_timeout_micros = kNoTimeoutMicros;
  options.limits = kReplyLimits;
  options.tls = tls_.for_links();
  const LinkId id = wanted.link;
  auto link = std::make_unique<Link>(Link{.id = id,
                                          .is_subscriber = wanted.is_subscriber,
                                          .setup = wanted.setup,
                                          .unanswered = wanted.setup.size()});
  link->client = std::make_unique<net::RespClient>(loop_, net_, std::move(options));
  link->timeout = loop_.After(kOpenTimeoutMicros, [this, id] {
    End(id, LinkEnd::kTimedOut, "no answer to the connection within its timeout");
  });
  Link& opened = *links_.emplace(id, std::move(link)).first->second;
  if (IsNumericHost(wanted.address.host)) {
    Connect(opened, wanted.address.host, wanted.address.port);
    return;
  }
  names_.Lookup(wanted.address.host, [this, id, port = wanted.address.port](Result<std::string> number) {
    Link* waiting = Find(id);
    if (waiting == nullptr) return;
    if (!number) {
      End(id, LinkEnd::kUnreachable, number.error().message);
    } else {
      Connect(*waiting, *number, port);
    }
  });
}

void Links::Connect(Link& link, const std::string& number, int port) {
  link.client->set_on_closed([this, id = link.id](const Error& error) {
    const Link* closed = Find(id);
    const bool was_open = closed != nullptr && closed->is_open;
    End(id, EndOf(error.code, true), was_open ? error.message : "during the setup: " + error.message);
  });
  link.client->Connect({.host = number, .port = port}, [this, id = link.id](Status status) {
    if (status) {
      SetUp(id);
    } else {
      End(id, EndOf(status.error().code, false), status.error().message);
    }
  });
}

void Links::SetUp(LinkId id) {
  Link* link = Find(id);
  if (link == nullptr) return;
  // What nobody waits for comes as a push: all that a subscriber gets, and nothing otherwise.
  link->client->set_on_push([this, id](resp::Reply reply) { OnPush(id, std::move(reply)); });
  for (size_t i = 0; i < link->setup.size(); ++i) {
    const std::vector<std::string>& command = link->setup[i];
    const std::vector<std::string_view> words(command.begin(), command.end());
    // Under whatever name, a subscriber's last command is its subscription.
    if (link->is_subscriber && i + 1 == link->setup.size()) {
      link->client->SendWithoutReply(words);
    } else {
      link->client->Send(words, [this, id](Result<resp::Reply> reply) {
        if (reply) OnSetupReply(id, *reply);
      });
    }
  }
  if (link->setup.empty()) {
    link->unanswered = 1;
    OnAnswered(*link);
  }
}

void Links::OnSetupReply(LinkId id, const resp::Reply& reply) {
  Link* link = Find(id);
  if (link == nullptr) return;
  if (reply.is_error()) {
    End(id, LinkEnd::kRejected, reply.text);
  } else {
    OnAnswered(*link);
  }
}

void Links::OnAnswered(Link& link) {
  if (--link.unanswered > 0) return;
  link.is_open = true;
  loop_.Cancel(link.timeout);
  on_input_(input::LinkOpened{link.id, ParseAddress(link.client->LocalAddress())});
}

void Links::OnPush(LinkId id, resp::Reply reply) {
  Link* link = Find(id);
  if (link == nullptr || !link->is_subscriber) return;
  if (reply.is_error()) {
    End(id, LinkEnd::kRejected, reply.text);
    return;
  }
  if (!reply.is_aggregate() || reply.elements.size() != 3) return;
  const std::string& word = reply.elements[0].text;
  if (EqualsIgnoreCase(word, "subscribe") && !link->is_open) {
    OnAnswered(*link);
  } else if (EqualsIgnoreCase(word, "message")) {
    on_input_(input::Message{id, std::move(reply.elements[1].text), std::move(reply.elements[2].text)});
  }
}

void Links::End(LinkId id, LinkEnd why, std::string text) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  loop_.Cancel(found->second->timeout);
  links_.erase(found);
  on_input_(input::LinkEnded{id, why, std::move(text)});
}

void Links::Close(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  loop_.Cancel(found->second->timeout);
  links_.erase(found);
}

void Links::Send(LinkId id, const std::vector<std::string>& command) {
  Link* link = Find(id);
  if (link == nullptr) return;
  const std::vector<std::string_view> words(command.begin(), command.end());
  if (link->is_subscriber) {
    link->client->SendWithoutReply(words);
    return;
  }
  link->client->Send(words, [this, id](Result<resp::Reply> reply) {
    if (reply && Find(id) != nullptr) on_input_(input::Replied{id, ToMachineReply(std::move(*reply))});
  });
}

}  // namespace hearth::sentinel
