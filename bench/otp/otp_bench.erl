%% OTP's counterpart of bench/cluster: the same rows on real Erlang nodes, with what OTP has for it: children are
%% gen_servers under a supervisor (otp_node.erl), their names are groups of pg. `erl ... -s otp_bench main GROUP CHILDREN
%% SECONDS SCALE` measures the rows of a group once and writes a line `ROW VALUE` for each.
-module(otp_bench).
-export([main/1]).

-define(NAMES, [b2, b3]).

main([Group | Numbers]) ->
    [Children, Seconds, Scale] = [number(N) || N <- Numbers],
    try
        Work = #{children => Children, ms => max(1, round(Seconds * 1000)), scale => Scale},
        group(Group, Work),
        halt(0)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "~s: ~0p ~0p~n", [Group, {Class, Reason}, Stack]),
            halt(1)
    end.

number(Atom) ->
    Text = atom_to_list(Atom),
    case string:to_float(Text) of
        {Float, []} -> Float;
        _ -> list_to_integer(Text)
    end.

tell(Row, Value) -> io:format("~s ~w~n", [Row, Value]).

times(Count, #{scale := Scale}) -> max(1, round(Count * Scale)).

%% ---- groups ----

group(life, #{children := Count, ms := Ms}) ->
    [B2, B3] = nodes_up(?NAMES),
    Nodes = [node(), B2, B3],
    Empty = resident(B2),
    tell("start", seconds(fun() -> start(Nodes, Count), listed(Nodes, Count) end)),
    tell("memory", (resident(B2) - Empty) / running(B2)),
    Ids = list_to_tuple(ids(Count)),
    tell("calls", by_processes(64, Ms, fun(I) -> call_by_id(element(I rem Count + 1, Ids)) end)),
    tell("drained_children", running(B3)),
    tell("drain", seconds(fun() -> erpc:call(B3, otp_node, drain, [], infinity) end)),
    await_running([node(), B2], Count),
    peer_stop(B3),
    [B3] = nodes_up([b3], [node(), B2]),
    tell("join", seconds(fun() ->
        ok = erpc:call(B3, otp_node, join, [node()], infinity),
        settled(Nodes, Count)
    end)),
    tell("kill", seconds(fun() -> peer_kill(B2), await_running([node(), B3], Count) end));
group(alone, #{children := Count}) ->
    nodes_up([]),
    Ids = ids(Count),
    Empty = resident(node()),
    tell("start", seconds(fun() -> otp_node:start(Ids), listed([node()], Count) end)),
    tell("memory", (resident(node()) - Empty) / Count);
group(single, Work) ->
    Nodes = [node() | nodes_up(?NAMES)],
    start(Nodes, 1000),
    Taken = lists:sort([microseconds(fun() -> start_one(Nodes, id(100000 + I)) end)
                        || I <- lists:seq(1, times(2000, Work))]),
    tell("one_start_p50", part(Taken, 0.5) / 1.0e6),
    tell("one_start_p99", part(Taken, 0.99) / 1.0e6);
group(lookup, #{children := Count, ms := Ms}) ->
    nodes_up([]),
    start([node()], Count),
    Ids = list_to_tuple([Id || {_, Id} <- lists:sort([{erlang:phash2(Id), Id} || Id <- ids(Count)])]),
    Look = fun(I) -> [_] = pg:get_members(web, element(I rem Count + 1, Ids)) end,
    tell("lookup", 1 / by_processes(1, Ms, Look)),
    tell("lookup_two_threads", 2 / by_processes(2, Ms, Look)),
    Writer = spawn_link(fun() -> writes(Count + 1) end),
    tell("lookup_beside_starts", 1 / by_processes(1, Ms, Look)),
    unlink(Writer),
    exit(Writer, kill);
group(local, #{children := Count, ms := Ms}) ->
    nodes_up([]),
    start([node()], Count),
    Ids = list_to_tuple(ids(Count)),
    tell("local_call_p50", p50(Ms, fun(I) -> call_by_id(element(I rem Count + 1, Ids)) end)),
    tell("local_calls_64_threads",
         by_processes(64, Ms, fun(I) -> call_by_id(element(I rem 64 rem Count + 1, Ids)) end)),
    tell("local_calls_64_in_flight", in_flight(64, Ms, [pid(id(I)) || I <- lists:seq(1, min(64, Count))]));
group(quick, Work) ->  % a process of OTP is what it is: measured once more beside these
    group(local, Work);
group(remote, #{children := Count, ms := Ms}) ->
    [B2] = nodes_up([b2]),
    start([node(), B2], Count),
    listed([node(), B2], Count),
    There = list_to_tuple([Id || Id <- ids(Count), node(pid(Id)) =:= B2]),
    Id = fun(I) -> element(I rem tuple_size(There) + 1, There) end,
    tell("remote_call_p50", p50(Ms, fun(I) -> call_by_id(Id(I)) end)),
    First = pid(Id(1)),
    tell("remote_call_by_pid_p50", p50(Ms, fun(_) -> gen_server:call(First, get) end)),
    [begin
         Name = integer_to_list(Callers),
         tell("remote_calls_" ++ Name ++ "_threads",
              by_processes(Callers, Ms, fun(I) -> call_by_id(Id(I rem Callers)) end)),
         tell("remote_calls_" ++ Name ++ "_in_flight",
              in_flight(Callers, Ms, [pid(Id(I)) || I <- lists:seq(1, Callers)]))
     end || Callers <- [64, 256]];
group(one_way, Work) ->
    [B2] = nodes_up([b2]),
    [tell(Row, Factor * messages({otp_sink, B2}, Bytes, times(Count, Work)))
     || {Row, Bytes, Count, Factor} <- [{"one_way_64B", 64, 500000, 1}, {"one_way_4KiB", 4096, 100000, 1},
                                        {"one_way_1MiB", 1 bsl 20, 500, 1 bsl 20}]];
group(balance, #{children := Count}) ->
    Nodes = [list_to_atom("b" ++ integer_to_list(I) ++ "@127.0.0.1") || I <- lists:seq(1, 10)],
    Shares = [length(Ids) || {_, Ids} <- otp_node:split(Nodes, ids(Count))],
    tell("balance", lists:max(Shares) * 10 / Count).

writes(Next) ->
    otp_node:start([id(Next)]),
    writes(Next + 1).

%% ---- children ----

id(Number) -> <<"c", (integer_to_binary(Number))/binary>>.
ids(Count) -> [id(I) || I <- lists:seq(1, Count)].

pid(Id) ->
    [Pid] = pg:get_members(web, Id),
    Pid.

call_by_id(Id) -> 0 = gen_server:call(pid(Id), get).

start(Nodes, Count) ->
    Requests = [erpc:send_request(Node, otp_node, start, [Ids]) || {Node, Ids} <- otp_node:split(Nodes, ids(Count))],
    [ok = erpc:receive_response(Request) || Request <- Requests].

start_one(Nodes, Id) ->
    ok = erpc:call(otp_node:owner(Nodes, Id), otp_node, start, [[Id]]).

listed(Nodes, Count) ->
    [erpc:call(Node, otp_node, await_listed, [Count], infinity) || Node <- Nodes].

running(Node) -> erpc:call(Node, otp_node, running, []).

await_running(Nodes, Count) ->
    case lists:sum([running(Node) || Node <- Nodes]) >= Count of
        true -> ok;
        false -> timer:sleep(1), await_running(Nodes, Count)
    end.

%% Each node runs what is its own and no more, and lists all.
settled(Nodes, Count) ->
    Shares = [{Node, length(Ids)} || {Node, Ids} <- otp_node:split(Nodes, ids(Count))],
    case [Node || {Node, Share} <- Shares, running(Node) =/= Share] of
        [] -> listed(Nodes, Count);
        _ -> timer:sleep(1), settled(Nodes, Count)
    end.

%% ---- calls ----

%% Calls a second by so many processes, each after the answer of the one before.
by_processes(Count, Ms, Call) ->
    Since = erlang:monotonic_time(microsecond),
    Until = Since + Ms * 1000,
    Me = self(),
    [spawn_link(fun() -> Me ! {calls, calls(I, 0, Count, Until, Call)} end) || I <- lists:seq(1, Count)],
    Calls = lists:sum([receive {calls, N} -> N end || _ <- lists:seq(1, Count)]),
    Calls * 1.0e6 / (erlang:monotonic_time(microsecond) - Since).

%% The clock is read at every 16th.
calls(At, Done, Step, Until, Call) ->
    Call(At),
    case Done band 15 =:= 15 andalso erlang:monotonic_time(microsecond) >= Until of
        true -> Done + 1;
        false -> calls(At + Step, Done + 1, Step, Until, Call)
    end.

p50(Ms, Call) ->
    Until = erlang:monotonic_time(microsecond) + Ms * 1000,
    part(lists:sort(call_times(1, erlang:monotonic_time(nanosecond), Until, Call, [])), 0.5) / 1.0e9.

call_times(I, Since, Until, Call, Taken) ->
    Call(I),
    Now = erlang:monotonic_time(nanosecond),
    case Now div 1000 >= Until of
        true -> [Now - Since | Taken];
        false -> call_times(I + 1, Now, Until, Call, [Now - Since | Taken])
    end.

%% So many requests at the same time, of one process.
in_flight(Count, Ms, Pids) ->
    All = list_to_tuple(Pids),
    Since = erlang:monotonic_time(microsecond),
    Requests = lists:foldl(fun(I, Before) ->
        gen_server:send_request(element(I rem tuple_size(All) + 1, All), get, I, Before)
    end, gen_server:reqids_new(), lists:seq(1, Count)),
    Calls = answers(Requests, 0, All, Since + Ms * 1000),
    Calls * 1.0e6 / (erlang:monotonic_time(microsecond) - Since).

answers(Requests, Done, All, Until) ->
    case gen_server:receive_response(Requests, infinity, true) of
        no_request -> Done;
        {{reply, 0}, I, Left} ->
            case erlang:monotonic_time(microsecond) >= Until of
                true -> answers(Left, Done + 1, All, Until);
                false ->
                    To = element(I rem tuple_size(All) + 1, All),
                    answers(gen_server:send_request(To, get, I, Left), Done + 1, All, Until)
            end
    end.

messages(To, Bytes, Count) ->
    Message = binary:copy(<<$x>>, Bytes),
    Time = seconds(fun() ->
        send(Count, Message, To),
        Count = gen_server:call(To, count, infinity)
    end),
    Count / Time.

send(0, _Message, _To) -> ok;
send(Left, Message, To) ->
    To ! Message,
    send(Left - 1, Message, To).

%% ---- nodes ----

nodes_up(Names) -> nodes_up(Names, [node()]).

%% Programs of their own; the first ones of a cluster know of one another.
nodes_up(Names, [First | _] = Before) ->
    Up = [begin
              {ok, Peer, Node} = peer:start(#{name => Name, host => "127.0.0.1", connection => standard_io,
                                              args => ["-setcookie", atom_to_list(erlang:get_cookie()),
                                                       "+P", "4000000",
                                                       "-kernel", "prevent_overlapping_partitions", "false", "-pa", filename:dirname(code:which(?MODULE))]}),
              put({peer, Node}, {Peer, peer:call(Peer, os, getpid, [])}),
              Node
          end || Name <- Names],
    case Before of
        [First] when First =:= node() ->
            {ok, _} = otp_node:start_link([node() | Up]),
            [peer_call(Node, otp_node, boot, [[node() | Up]]) || Node <- Up],
            [true = net_kernel:connect_node(Node) || Node <- Up],
            [peer_call(Node, otp_node, know, [[node() | Up]]) || Node <- Up];
        _ -> [peer_call(Node, otp_node, boot, [[]]) || Node <- Up]
    end,
    Up.

peer_call(Node, Module, Function, Arguments) ->
    {Peer, _} = get({peer, Node}),
    peer:call(Peer, Module, Function, Arguments, 60000).

peer_stop(Node) ->
    {Peer, _} = erase({peer, Node}),
    net_kernel:disconnect(Node),
    peer:stop(Peer),
    gone(Node).

peer_kill(Node) ->
    {_, Os} = erase({peer, Node}),
    os:cmd("kill -9 " ++ Os).

gone(Node) ->
    case lists:member(Node, nodes()) of
        true -> timer:sleep(1), gone(Node);
        false -> ok
    end.

resident(Node) ->
    Read = fun() ->
        erlang:garbage_collect(),
        {ok, Text} = file:read_file("/proc/self/statm"),
        [_, Pages | _] = string:lexemes(Text, " "),
        binary_to_integer(Pages) * 4096
    end,
    erpc:call(Node, Read).

%% ---- times ----

microseconds(Fun) -> element(1, timer:tc(Fun)).
seconds(Fun) -> microseconds(Fun) / 1.0e6.

part(Sorted, Part) -> lists:nth(1 + trunc(Part * (length(Sorted) - 1)), Sorted).
