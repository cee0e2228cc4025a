// A C node made with OTP's own libei: starts a child, calls it, links to it and is told of its end.
//
//   c_node NAME COOKIE_FILE NODE SUPERVISOR CHILD
//
// Each step is a line on its output: `step RESULT`, the result in Erlang's syntax. It ends with 1 at the
// first step that fails.
#include <ei.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ei_cnode self;
static int fd = -1;
static const int patience_ms = 20000;

static void fail(const char* what) {
  fprintf(stderr, "%s failed (erl_errno %d)\n", what, erl_errno);
  exit(1);
}

static void begin_call(ei_x_buff* x, erlang_ref* ref) {
  if (ei_make_ref(&self, ref) != 0) fail("ei_make_ref");
  ei_x_new_with_version(x);
  ei_x_encode_tuple_header(x, 3);
  ei_x_encode_atom(x, "$gen_call");
  ei_x_encode_tuple_header(x, 2);
  ei_x_encode_pid(x, ei_self(&self));
  ei_x_encode_ref(x, ref);
}

static void show(const char* step, const ei_x_buff* x, int index) {
  char* text = NULL;
  if (ei_s_print_term(&text, x->buff, &index) < 0) fail("ei_s_print_term");
  printf("%s %s\n", step, text);
  fflush(stdout);
  free(text);
}

/// The next message or signal; what is for the link is told too.
static void receive(erlang_msg* message, ei_x_buff* x) {
  for (;;) {
    x->index = 0;
    const int got = ei_xreceive_msg_tmo(fd, message, x, patience_ms);
    if (got == ERL_TICK) continue;
    if (got != ERL_MSG) fail("ei_xreceive_msg");
    return;
  }
}

/// Waits for {Ref, Answer}; the answer begins at `index` of `x`.
static void await_answer(erlang_ref* ref, ei_x_buff* x, int* index) {
  for (;;) {
    erlang_msg message;
    int version = 0, arity = 0;
    erlang_ref tag;
    receive(&message, x);
    if (message.msgtype != ERL_SEND && message.msgtype != ERL_REG_SEND) fail("a message was to come");
    *index = 0;
    if (ei_decode_version(x->buff, index, &version) != 0) fail("ei_decode_version");
    if (ei_decode_tuple_header(x->buff, index, &arity) != 0 || arity != 2) fail("an answer was to come");
    if (ei_decode_ref(x->buff, index, &tag) != 0) fail("ei_decode_ref");
    if (ei_cmp_refs(&tag, ref) == 0) return;
  }
}

static void answer_of(const char* step, erlang_ref* ref, ei_x_buff* answer, int* index) {
  await_answer(ref, answer, index);
  show(step, answer, *index);
}

/// libei has no function that links: the control message {1, From, To} by hand.
static void link_to(erlang_pid* to) {
  ei_x_buff x;
  ei_x_new(&x);
  ei_x_append_buf(&x, "\0\0\0\0p", 5);
  ei_x_encode_version(&x);
  ei_x_encode_tuple_header(&x, 3);
  ei_x_encode_long(&x, ERL_LINK);
  ei_x_encode_pid(&x, ei_self(&self));
  ei_x_encode_pid(&x, to);
  const unsigned length = (unsigned)x.index - 4;
  for (int i = 0; i < 4; ++i) x.buff[i] = (char)(length >> (24 - 8 * i));
  if (write(fd, x.buff, (size_t)x.index) != x.index) fail("write");
  ei_x_free(&x);
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const char* node = argv[3];
  char cookie[256] = {0};
  FILE* file = fopen(argv[2], "r");
  if (file == NULL || fgets(cookie, sizeof cookie, file) == NULL) return 2;
  fclose(file);
  cookie[strcspn(cookie, "\r\n")] = '\0';
  char full[256];
  snprintf(full, sizeof full, "%s@127.0.0.1", argv[1]);
  struct in_addr address = {htonl(INADDR_LOOPBACK)};
  ei_init();
  if (ei_connect_xinit(&self, "127.0.0.1", argv[1], full, &address, cookie, 7) < 0) fail("ei_connect_xinit");
  fd = ei_connect(&self, (char*)node);
  if (fd < 0) fail("ei_connect");

  ei_x_buff request, answer;
  ei_x_new(&answer);
  erlang_ref ref;
  int index = 0;
  begin_call(&request, &ref);
  ei_x_encode_tuple_header(&request, 2);
  ei_x_encode_atom(&request, "is_auth");
  ei_x_encode_atom(&request, full);
  if (ei_reg_send(&self, fd, "net_kernel", request.buff, request.index) != 0) fail("ei_reg_send");
  answer_of("ping", &ref, &answer, &index);

  begin_call(&request, &ref);
  ei_x_encode_tuple_header(&request, 3);
  ei_x_encode_atom(&request, "start_child");
  ei_x_encode_atom(&request, argv[4]);
  ei_x_encode_map_header(&request, 2);
  ei_x_encode_atom(&request, "id");
  ei_x_encode_binary(&request, argv[5], (int)strlen(argv[5]));
  ei_x_encode_atom(&request, "start");
  ei_x_encode_tuple_header(&request, 2);
  ei_x_encode_atom(&request, "counter");
  ei_x_encode_empty_list(&request);
  if (ei_reg_send(&self, fd, "brood", request.buff, request.index) != 0) fail("ei_reg_send");
  await_answer(&ref, &answer, &index);
  int arity = 0;
  char word[MAXATOMLEN] = "";
  erlang_pid child;
  if (ei_decode_tuple_header(answer.buff, &index, &arity) != 0 || arity != 3 ||
      ei_decode_atom(answer.buff, &index, word) != 0 || ei_decode_pid(answer.buff, &index, &child) != 0) {
    fail("start_child");
  }
  printf("start %s %s\n", word, child.node);

  link_to(&child);
  // The child runs on any node: only the one that is connected can be called by pid.
  begin_call(&request, &ref);
  ei_x_encode_tuple_header(&request, 2);
  ei_x_encode_atom(&request, "add");
  ei_x_encode_long(&request, 5);
  if (ei_send(fd, &child, request.buff, request.index) != 0) fail("ei_send");
  answer_of("add", &ref, &answer, &index);

  // Longer than any fragment of ours: it comes back in one frame.
  const int large = 300000;
  char* bytes = calloc(1, (size_t)large);
  begin_call(&request, &ref);
  ei_x_encode_tuple_header(&request, 4);
  ei_x_encode_atom(&request, "send");
  ei_x_encode_atom(&request, argv[4]);
  ei_x_encode_binary(&request, argv[5], (int)strlen(argv[5]));
  ei_x_encode_binary(&request, bytes, large);
  if (ei_reg_send(&self, fd, "brood", request.buff, request.index) != 0) fail("ei_reg_send");
  await_answer(&ref, &answer, &index);
  int type = 0, size = 0;
  if (ei_get_type(answer.buff, &index, &type, &size) != 0) fail("ei_get_type");
  printf("large %d\n", size);
  free(bytes);

  begin_call(&request, &ref);
  ei_x_encode_tuple_header(&request, 3);
  ei_x_encode_atom(&request, "stop_child");
  ei_x_encode_atom(&request, argv[4]);
  ei_x_encode_binary(&request, argv[5], (int)strlen(argv[5]));
  if (ei_reg_send(&self, fd, "brood", request.buff, request.index) != 0) fail("ei_reg_send");
  for (int told = 0, answered = 0; !told || !answered;) {
    erlang_msg message;
    receive(&message, &answer);
    if (message.msgtype == ERL_EXIT) {
      told = 1;
      printf("exit %s\n", ei_cmp_pids(&message.from, &child) == 0 ? "of the child" : "of another");
    } else {
      answered = 1;
    }
  }
  fflush(stdout);

  ei_x_buff arguments;
  ei_x_new(&arguments);
  ei_x_encode_empty_list(&arguments);
  if (ei_rpc(&self, fd, "erlang", "node", arguments.buff, arguments.index, &answer) < 0) fail("ei_rpc");
  show("rpc", &answer, 0);
  ei_close_connection(fd);
  return 0;
}
