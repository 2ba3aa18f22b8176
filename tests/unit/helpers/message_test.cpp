// Bytes put into messages and taken out: what is left, what the program sees, and the parts that Linux would
// have.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "helpers/code.h"
#include "host/message.h"

namespace osmia::helpers::code {
namespace {

struct Message {
  host::MessageContext m;
  explicit Message(const std::string& text) {
    m.buffer.assign(text.begin(), text.end());
    m.size = static_cast<u32>(text.size());
    if (m.size) m.parts.push_back(m.size);
    m.data = reinterpret_cast<u64>(m.buffer.data());
    m.data_end = m.data + m.size;
  }
  u64 ctx() { return reinterpret_cast<u64>(&m); }
  s64 push(u32 at, u32 n, u64 flags = 0) { return static_cast<s64>(msg_push_data(ctx(), at, n, flags, 0)); }
  s64 pop(u32 at, u32 n, u64 flags = 0) { return static_cast<s64>(msg_pop_data(ctx(), at, n, flags, 0)); }
  s64 pull(u32 from, u32 to, u64 flags = 0) {
    return static_cast<s64>(msg_pull_data(ctx(), from, to, flags, 0));
  }
  std::string text() const {
    std::string s;
    for (const u8 b : m.buffer) s += b ? static_cast<char>(b) : '.';
    return s;
  }
  std::string seen() const {
    std::string s;
    for (u64 a = m.data; a < m.data_end; a++)
      s += *reinterpret_cast<char*>(a) ? *reinterpret_cast<char*>(a) : '.';
    return s;
  }
  std::string parts() const {
    std::string s;
    u32 sum = 0;
    for (const u32 p : m.parts) {
      s += (s.empty() ? "" : " ") + std::to_string(p);
      sum += p;
    }
    EXPECT_EQ(sum, m.size);
    EXPECT_EQ(m.buffer.size(), m.size);
    return s;
  }
};

TEST(Messages, PushedBytesAreAPartOfTheirOwn) {
  Message m("abcdef");
  EXPECT_EQ(m.push(0, 2), 0);
  EXPECT_EQ(m.text(), "..abcdef");
  EXPECT_EQ(m.parts(), "2 6");
  EXPECT_EQ(m.seen(), "..");
  EXPECT_EQ(m.push(4, 1), 0);  // inside the second part
  EXPECT_EQ(m.text(), "..ab.cdef");
  EXPECT_EQ(m.parts(), "2 2 1 4");
  EXPECT_EQ(m.push(9, 3), 0);  // at the end
  EXPECT_EQ(m.text(), "..ab.cdef...");
  EXPECT_EQ(m.parts(), "2 2 1 4 3");
  EXPECT_EQ(m.push(13, 1), -EINVAL);
  EXPECT_EQ(m.push(1, 1, 1), -EINVAL);
  EXPECT_EQ(m.push(99, 0), 0) << "nothing is asked for";
}

TEST(Messages, TooManyPartsAreMerged) {
  Message m("ab");
  for (int i = 0; i < 15; i++) ASSERT_EQ(m.push(0, 1), 0);
  EXPECT_EQ(m.m.parts.size(), 16u);
  EXPECT_EQ(m.push(16, 1), 0);  // one place is left, two would be needed
  EXPECT_EQ(m.m.parts.size(), 16u);
  EXPECT_EQ(m.m.parts.back(), 3u);
  EXPECT_EQ(m.push(0, 1), 0);
  EXPECT_EQ(m.m.parts.size(), 17u);
  EXPECT_EQ(m.push(0, 1), 0);
  EXPECT_EQ(m.m.parts.size(), 17u);
  EXPECT_EQ(m.text(),
            "................."
            "a.b");
  EXPECT_EQ(m.parts().substr(0, 3), "2 1");
}

TEST(Messages, PulledBytesAreSeen) {
  Message m("abcdef");
  m.push(3, 2);
  EXPECT_EQ(m.parts(), "3 2 3");
  EXPECT_EQ(m.seen(), "abc");
  EXPECT_EQ(m.pull(1, 7), 0);
  EXPECT_EQ(m.seen(), "bc..de");
  EXPECT_EQ(m.parts(), "8");
  EXPECT_EQ(m.pull(0, 9), -EINVAL);
  EXPECT_EQ(m.pull(8, 9), -EINVAL);
  EXPECT_EQ(m.pull(3, 3), -EINVAL);
  EXPECT_EQ(m.pull(4, 2), -EINVAL);
  EXPECT_EQ(m.pull(0, 1, 1), -EINVAL);
  EXPECT_EQ(m.seen(), "bc..de") << "a refusal changes nothing";
}

TEST(Messages, PoppedBytesAreGone) {
  Message m("abcdefgh");
  EXPECT_EQ(m.pop(2, 3), 0);  // from the middle of a part
  EXPECT_EQ(m.text(), "abfgh");
  EXPECT_EQ(m.parts(), "2 3");
  EXPECT_EQ(m.seen(), "ab");
  EXPECT_EQ(m.pop(1, 2), 0);  // over a border
  EXPECT_EQ(m.text(), "agh");
  EXPECT_EQ(m.parts(), "1 2");
  EXPECT_EQ(m.pop(0, 4), -EINVAL);
  EXPECT_EQ(m.pop(3, 1), -EINVAL);
  EXPECT_EQ(m.pop(0, 1, 2), -EINVAL);
  EXPECT_EQ(m.pop(4294967295u, 2), -EINVAL);
  EXPECT_EQ(m.pop(0, 3), 0);
  EXPECT_EQ(m.text(), "");
  EXPECT_EQ(m.pop(0, 1), -EINVAL);
  EXPECT_EQ(m.push(0, 2), 0);
  EXPECT_EQ(m.text(), "..");
}

}  // namespace
}  // namespace osmia::helpers::code
