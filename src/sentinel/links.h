// The connections to instances and other Sentinels that the machine asks for: opens them with their setup,
// sends its commands, and reports replies, messages and ends as its inputs. Decides nothing.
//
// Owned by the carrier; loop's thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/net.h"
#include "net/event_loop.h"
#include "net/tls_context.h"
#include "resp/reply_parser.h"
#include "sentinel/core/messages.h"
#include "sentinel/name_lookup.h"

namespace hearth::sentinel {

// What the machine needs to know of a reply.
Reply ToMachineReply(resp::Reply reply);
// Why a link is not there, by the system's error code; `was_open` if it stood.
LinkEnd EndOf(int code, bool was_open);
// "127.0.0.1:6379" or "[::1]:6379".
Address ParseAddress(std::string_view text);

class Links {
 public:
  // Called later than the call that causes the input, never from inside it.
  using OnInput = std::function<void(Input)>;

  Links(net::EventLoop& loop, env::Net& net, const net::Tls& tls, NameLookup& names, OnInput on_input);
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  void Open(const effect::OpenLink& wanted);
  // No more is heard of it.
  void Close(LinkId id);
  // Nothing happens if the link has ended already: the machine will learn it.
  void Send(LinkId id, const std::vector<std::string>& command);

  size_t count() const { return links_.size(); }

 private:
  struct Link;

  void Connect(Link& link, const std::string& number, int port);
  void SetUp(LinkId id);
  void OnSetupReply(LinkId id, const resp::Reply& reply);
  void OnPush(LinkId id, resp::Reply reply);
  void OnAnswered(Link& link);
  void End(LinkId id, LinkEnd why, std::string text);
  Link* Find(LinkId id);

  net::EventLoop& loop_;
  env::Net& net_;
  const net::Tls& tls_;
  NameLookup& names_;
  const OnInput on_input_;
  std::map<LinkId, std::unique_ptr<Link>> links_;
};

}  // namespace hearth::sentinel
