import com.ericsson.otp.erlang.*;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Java node made with OTP's own Jinterface: starts a child, calls it, links to it and is told of its end;
 * and is itself pinged and sent to.
 *
 * <p>JavaNode NAME COOKIE_FILE NODE SUPERVISOR CHILD. Each step is a line on its output, `step RESULT`.
 */
public class JavaNode {
  private static final long PATIENCE_MS = 20000;

  private static OtpNode self;
  private static OtpMbox box;
  private static String node;

  public static void main(String[] arguments) throws Exception {
    String name = arguments[0] + "@127.0.0.1";
    self = new OtpNode(name, Files.readString(Path.of(arguments[1])).trim());
    box = self.createMbox("box");
    node = arguments[2];
    OtpErlangAtom supervisor = new OtpErlangAtom(arguments[3]);
    OtpErlangBinary child = new OtpErlangBinary(arguments[4].getBytes());

    say("ping", self.ping(node, PATIENCE_MS) ? "pong" : "pang");

    OtpErlangMap spec = new OtpErlangMap(new OtpErlangObject[] {atom("id"), atom("start")},
        new OtpErlangObject[] {child, tuple(atom("counter"), new OtpErlangList())});
    OtpErlangTuple started = (OtpErlangTuple) request("brood", tuple(atom("start_child"), supervisor, spec));
    OtpErlangPid pid = (OtpErlangPid) started.elementAt(1);
    say("start", started.elementAt(0) + " " + pid.node());

    box.link(pid);
    say("add", call(pid, tuple(atom("add"), new OtpErlangLong(5))));

    OtpErlangBinary large = new OtpErlangBinary(new byte[300000]);
    OtpErlangObject back = request("brood", tuple(atom("send"), supervisor, child, large));
    say("large", "" + ((OtpErlangBinary) back).size());

    say("stop", request("brood", tuple(atom("stop_child"), supervisor, child)));

    box.send("rex", node,
        tuple(box.self(),
            tuple(atom("call"), atom("erlang"), atom("node"), new OtpErlangList(), atom("user"))));
    say("rpc", ((OtpErlangTuple) receive()).elementAt(1));

    // Whoever sends to it by name reaches it: an Erlang node by way of nobody else.
    say("ready", name);
    say("got", receive());
    self.close();
  }

  private static OtpErlangObject request(String to, OtpErlangObject message) throws Exception {
    OtpErlangRef ref = self.createRef();
    box.send(to, node, tuple(atom("$gen_call"), tuple(box.self(), ref), message));
    return answer(ref);
  }

  private static OtpErlangObject call(OtpErlangPid to, OtpErlangObject message) throws Exception {
    OtpErlangRef ref = self.createRef();
    box.send(to, tuple(atom("$gen_call"), tuple(box.self(), ref), message));
    return answer(ref);
  }

  private static OtpErlangObject answer(OtpErlangRef ref) throws Exception {
    for (;;) {
      OtpErlangObject came = receive();
      if (came instanceof OtpErlangTuple && ((OtpErlangTuple) came).elementAt(0).equals(ref)) {
        return ((OtpErlangTuple) came).elementAt(1);
      }
    }
  }

  /** The next message; the end of a linked process is told and passed over. */
  private static OtpErlangObject receive() throws Exception {
    for (;;) {
      try {
        OtpErlangObject came = box.receive(PATIENCE_MS);
        if (came == null)
          throw new Exception("nothing came");
        return came;
      } catch (OtpErlangExit exit) {
        say("exit", exit.reason());
      }
    }
  }

  private static void say(String step, Object result) {
    System.out.println(step + " " + result);
    System.out.flush();
  }

  private static OtpErlangAtom atom(String text) { return new OtpErlangAtom(text); }

  private static OtpErlangTuple tuple(OtpErlangObject... items) { return new OtpErlangTuple(items); }
}
