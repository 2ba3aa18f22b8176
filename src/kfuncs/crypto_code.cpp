// Ciphers, by the machine's libcrypto (OpenSSL 3), which is loaded when the first context is made: without it
// there is no algorithm, which is -EOPNOTSUPP as on a kernel that lacks one. Offered are the block ciphers
// whose names are mode(cipher): ecb, cbc or ctr of aes.
#include <dlfcn.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>

#include "helpers/dynptr.h"
#include "helpers/running.h"
#include "host/kernel_object.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

constexpr u32 kBlock = 16, kMaxKey = 32;

// struct bpf_crypto_params.
struct Params {
  char type[14];
  u8 reserved[2];
  char algo[128];
  u8 key[256];
  u32 key_len, authsize;
};
static_assert(sizeof(Params) == 408);

struct Library {
  void* (*cipher_fetch)(void*, const char*, const char*);
  void (*cipher_free)(void*);
  void* (*context_new)();
  void (*context_free)(void*);
  int (*init)(void*, const void*, void*, const u8*, const u8*, int);
  int (*set_padding)(void*, int);
  int (*update)(void*, u8*, int*, const u8*, int);
  bool there = false;
};
const Library& library() {
  static const Library l = [] {
    Library out{};
    void* so = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!so) return out;
    out.there = true;
    const auto find = [&](auto& to, const char* name) {
      void* at = dlsym(so, name);
      std::memcpy(&to, &at, sizeof to);
      out.there &= at != nullptr;
    };
    find(out.cipher_fetch, "EVP_CIPHER_fetch");
    find(out.cipher_free, "EVP_CIPHER_free");
    find(out.context_new, "EVP_CIPHER_CTX_new");
    find(out.context_free, "EVP_CIPHER_CTX_free");
    find(out.init, "EVP_CipherInit_ex");
    find(out.set_padding, "EVP_CIPHER_CTX_set_padding");
    find(out.update, "EVP_CipherUpdate");
    return out;
  }();
  return l;
}

enum class Mode : u8 { kEcb, kCbc, kCtr };

class Cipher final : public host::KernelObject {
 public:
  Cipher(host::KernelStruct memory, Mode m, const Params& p)
      : KernelObject(host::ObjectKind::kCipher, {}, std::move(memory)), mode(m), key_size(p.key_len) {
    std::memcpy(key, p.key, key_size);
    const char* const names[] = {"ECB", "CBC", "CTR"};
    const std::string name = "AES-" + std::to_string(key_size * 8) + "-" + names[static_cast<u8>(m)];
    cipher = library().cipher_fetch(nullptr, name.c_str(), nullptr);
  }
  ~Cipher() override {
    if (cipher) library().cipher_free(cipher);
    explicit_bzero(key, sizeof key);
  }
  u32 iv_size() const { return mode == Mode::kEcb ? 0 : kBlock; }

  // size bytes, whole blocks but for ctr. iv: is where the next part goes on, afterwards.
  int run(const u8* from, u8* to, u32 size, u8* iv, bool encrypt) const {
    if (size > 0x7fffffff || (mode != Mode::kCtr && size % kBlock)) return -EINVAL;
    const Library& l = library();
    void* context = l.context_new();
    if (!context) return -ENOMEM;
    u8 last[kBlock];
    if (mode == Mode::kCbc && !encrypt) std::memcpy(last, from + size - kBlock, kBlock);
    int done = 0;
    const bool ok =
        l.init(context, cipher, nullptr, key, iv, encrypt) == 1 && l.set_padding(context, 0) == 1 &&
        l.update(context, to, &done, from, static_cast<int>(size)) == 1 && static_cast<u32>(done) == size;
    l.context_free(context);
    if (!ok) return -EINVAL;
    if (mode == Mode::kCbc) std::memcpy(iv, encrypt ? to + size - kBlock : last, kBlock);
    if (mode == Mode::kCtr)
      for (u32 n = (size + kBlock - 1) / kBlock; n; n--)
        for (u32 i = kBlock; i && !++iv[i - 1];) i--;
    return 0;
  }

  const Mode mode;
  const u32 key_size;
  u8 key[kMaxKey] = {};
  void* cipher = nullptr;
};

std::string_view text(const char* from, size_t room) {
  return {from, strnlen(from, room)};
}
bool find_mode(std::string_view algorithm, Mode& mode) {
  if (algorithm == "ecb(aes)") return mode = Mode::kEcb, true;
  if (algorithm == "cbc(aes)") return mode = Mode::kCbc, true;
  if (algorithm == "ctr(aes)") return mode = Mode::kCtr, true;
  return false;
}

int create(const Params* p, u32 size, host::ObjectPtr& made) {
  if (!p || size != sizeof(Params) || p->reserved[0] || p->reserved[1]) return -EINVAL;
  Mode mode;
  if (text(p->type, sizeof p->type) != "skcipher") return -ENOENT;
  if (!library().there || !find_mode(text(p->algo, sizeof p->algo), mode) || p->authsize) return -EOPNOTSUPP;
  if (!p->key_len || (p->key_len != 16 && p->key_len != 24 && p->key_len != 32)) return -EINVAL;
  const auto& types = helpers::code::kernel_types();
  if (!types) return -EOPNOTSUPP;
  auto memory = host::KernelStruct::make(*types, "bpf_crypto_ctx");
  if (!memory.ok()) return -EOPNOTSUPP;
  auto cipher = std::make_shared<Cipher>(std::move(*memory), mode, *p);
  if (!cipher->cipher) return -EOPNOTSUPP;
  made = host::publish_object(types, std::move(cipher));
  return 0;
}

using helpers::code::Dynptr;
// All of its bytes in one piece, or null.
u8* readable(const Dynptr* d) {
  return d ? reinterpret_cast<u8*>(dynptr_slice(reinterpret_cast<u64>(d), 0, 0, helpers::code::bytes(*d), 0))
           : nullptr;
}
u8* writable(const Dynptr* d) {
  return d && !(d->size & helpers::code::kReadOnly) ? readable(d) : nullptr;
}
u32 size_of(const Dynptr* d) {
  return d && d->data ? helpers::code::bytes(*d) : 0;
}

u64 crypt(u64 context, u64 from, u64 to, u64 iv, bool encrypt) {
  const auto* src = reinterpret_cast<const Dynptr*>(from);
  const auto* dst = reinterpret_cast<const Dynptr*>(to);
  const auto* state = reinterpret_cast<const Dynptr*>(iv);
  const auto object = host::object_at(context, host::ObjectKind::kCipher);
  int error = -EINVAL;
  if (object) {
    const auto& cipher = static_cast<const Cipher&>(*object);
    const u32 size = size_of(src);
    const u8* const in = readable(src);
    u8 *const out = writable(dst), *const iv_bytes = writable(state);
    if (size && size <= size_of(dst) && size_of(state) == cipher.iv_size() && in && out &&
        (!cipher.iv_size() || iv_bytes))
      error = cipher.run(in, out, size, iv_bytes, encrypt);
  }
  return static_cast<u64>(s64{error});
}

}  // namespace

u64 crypto_ctx_create(u64 params, u64 size, u64 error, u64, u64) {
  host::ObjectPtr made;
  const s32 e = create(reinterpret_cast<const Params*>(params), static_cast<u32>(size), made);
  std::memcpy(reinterpret_cast<void*>(error), &e, sizeof e);
  return made && host::acquire_object(made->address()) ? made->address() : 0;
}
u64 crypto_encrypt(u64 context, u64 from, u64 to, u64 iv, u64) {
  return crypt(context, from, to, iv, true);
}
u64 crypto_decrypt(u64 context, u64 from, u64 to, u64 iv, u64) {
  return crypt(context, from, to, iv, false);
}

}  // namespace osmia::kfuncs::code
