#include "core/base/messages.hpp"

namespace brood::core {

MessageBody::MessageBody() = default;
MessageBody::MessageBody(const MessageBody&) = default;
MessageBody::MessageBody(MessageBody&&) noexcept = default;
MessageBody& MessageBody::operator=(const MessageBody& other) {
  return *this = MessageBody(other);
}
MessageBody& MessageBody::operator=(MessageBody&&) noexcept = default;
MessageBody::~MessageBody() = default;

}  // namespace brood::core
