%% The Erlang side of node_bench: a server that echoes calls and counts messages, and a client that measures
%% them against another node. Each result is a line: name, microseconds of time, microseconds of processor.
-module(node_bench).
-behaviour(gen_server).
-export([server/0, client/2, init/1, handle_call/3, handle_cast/2, handle_info/2]).

server() -> gen_server:start({local, echo}, ?MODULE, [], []).

init([]) -> {ok, 0}.
handle_call(count, _From, Count) -> {reply, Count, 0};
handle_call(Message, _From, Count) -> {reply, Message, Count}.
handle_cast(_Message, Count) -> {noreply, Count}.
handle_info(_Message, Count) -> {noreply, Count + 1}.

client(Node, Plan) ->
    true = net_kernel:connect_node(Node),
    [io:format("~s ~w ~w~n", [Name, Time, Cpu])
     || {Name, Work} <- Plan, {Time, Cpu} <- [measure(Node, Work)]],
    halt().

measure(Node, Work) ->
    Before = cpu(Node),
    {Time, ok} = timer:tc(fun() -> run(Work, {echo, Node}) end),
    {Time, (cpu(Node) - Before) * 1000}.

cpu(Node) ->
    {Here, _} = erlang:statistics(runtime),
    {There, _} = rpc:call(Node, erlang, statistics, [runtime]),
    Here + There.

run({calls, Callers, Count}, To) ->
    Each = Count div Callers,
    Pids = [spawn_monitor(fun() -> calls(Each, To) end) || _ <- lists:seq(1, Callers)],
    [receive {'DOWN', Ref, process, Pid, normal} -> ok end || {Pid, Ref} <- Pids],
    ok;
run({one_way, Bytes, Count}, To) ->
    one_way(Count, binary:copy(<<$x>>, Bytes), To),
    Count = gen_server:call(To, count, infinity),
    ok.

calls(0, _To) -> ok;
calls(Left, To) ->
    16 = byte_size(gen_server:call(To, <<"sixteen octets..">>, infinity)),
    calls(Left - 1, To).

one_way(0, _Message, _To) -> ok;
one_way(Left, Message, To) ->
    To ! Message,
    one_way(Left - 1, Message, To).
