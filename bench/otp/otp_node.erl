%% What one writes on OTP to spread named children over nodes: each node has a supervisor of gen_servers, pg as the
%% registry, and this server, which knows all ids and gives each to the node of the largest hash. Where a node is lost
%% the others start what was its own; a node that joins is given what is its own from now on.
%%
%% It promises less than brood: no start is known to another node before it is answered, two parts of a split run
%% everything twice for ever, and a child that fails too often takes its supervisor along.
-module(otp_node).
-behaviour(gen_server).
-export([start_link/1, boot/1, know/1, join/1, drain/0, start/1, running/0, await_listed/1, split/2, owner/2]).
-export([start_child/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% ---- any process of the node ----

%% As start_link/1, for a caller that ends.
boot(Nodes) ->
    Me = self(),
    spawn(fun() -> {ok, _} = start_link(Nodes), Me ! booted, receive after infinity -> ok end end),
    receive booted -> ok end.

start_link(Nodes) ->
    {ok, _} = pg:start_link(web),
    persistent_term:put(running, counters:new(1, [write_concurrency])),
    {ok, _} = supervisor:start_link({local, otp_sup}, otp_child, []),
    {ok, _} = gen_server:start_link({local, otp_sink}, otp_child, sink, []),
    gen_server:start_link({local, ?MODULE}, ?MODULE, Nodes, []).

know(Nodes) ->
    [true = net_kernel:connect_node(Node) || Node <- Nodes, Node =/= node()],
    ok.

%% Children that are this node's own; all nodes are told of their ids.
start(Ids) ->
    start_here(Ids),
    [gen_server:cast({?MODULE, Node}, {ids, Ids}) || Node <- [node() | nodes()]],
    ok.

%% As many processes as there are cores, so that the supervisor starts one while pg registers another.
start_here(Ids) ->
    Workers = erlang:system_info(schedulers_online),
    Parts = parts(Ids, length(Ids) div Workers + 1),
    Running = [spawn_monitor(fun() -> lists:foreach(fun start_child/1, Part) end) || Part <- Parts],
    [receive {'DOWN', Ref, process, Pid, normal} -> ok end || {Pid, Ref} <- Running],
    ok.

start_child(Id) ->
    {ok, Pid} = supervisor:start_child(otp_sup, []),
    ok = pg:join(web, Id, Pid).

stop_here(Ids) ->
    [begin
         [Pid] = pg:get_local_members(web, Id),
         ok = pg:leave(web, Id, Pid),
         ok = supervisor:terminate_child(otp_sup, Pid),
         counters:sub(persistent_term:get(running), 1, 1)
     end || Id <- Ids],
    ok.

parts([], _Size) -> [];
parts(List, Size) when length(List) =< Size -> [List];
parts(List, Size) ->
    {Part, Rest} = lists:split(Size, List),
    [Part | parts(Rest, Size)].

%% It becomes a member of the cluster of that node, and gets what is its own.
join(Node) ->
    ok = gen_server:call({?MODULE, Node}, {join, node()}, infinity),
    ok.

%% All that runs here goes to the others.
drain() -> gen_server:call(?MODULE, drain, infinity).

running() -> counters:get(persistent_term:get(running), 1).

await_listed(Count) ->
    case ets:info(web, size) >= Count of
        true -> ok;
        false -> timer:sleep(1), await_listed(Count)
    end.

%% The ids of each node, by the largest hash of node and id.
split(Nodes, Ids) ->
    Owned = lists:foldl(fun(Id, Map) ->
        maps:update_with(owner(Nodes, Id), fun(Others) -> [Id | Others] end, [Id], Map)
    end, #{}, Ids),
    maps:to_list(Owned).

owner([Node], _Id) -> Node;
owner(Nodes, Id) -> element(2, lists:max([{erlang:phash2({Node, Id}), Node} || Node <- Nodes])).

%% ---- the server ----

init(Nodes) ->
    ok = net_kernel:monitor_nodes(true),
    {ok, #{nodes => lists:sort(Nodes), ids => ets:new(ids, [set, private])}}.

handle_call(all, _From, State) ->
    {reply, all(State), State};
handle_call({join, Node}, _From, #{nodes := Before} = State) ->
    Ids = all(State),
    After = lists:sort([Node | Before]),
    [ok = gen_server:call({?MODULE, Member}, {nodes, After, Ids}, infinity)
     || Member <- After, Member =/= node()],
    move(Before, After, Ids),
    {reply, ok, State#{nodes := After}};
%% From a node that joins or that leads a join.
handle_call({nodes, After, Ids}, _From, #{nodes := Before} = State) ->
    keep(Ids, State),
    move(Before, After, Ids),
    {reply, ok, State#{nodes := After}};
handle_call(drain, _From, #{nodes := Before} = State) ->
    After = Before -- [node()],
    Ids = all(State),
    [gen_server:call({?MODULE, Node}, {left, node()}, infinity) || Node <- After],
    Mine = [Id || Id <- Ids, owner(Before, Id) =:= node()],
    stop_here(Mine),
    Requests = [erpc:send_request(Node, otp_node, start, [Given]) || {Node, Given} <- split(After, Mine)],
    [ok = erpc:receive_response(Request) || Request <- Requests],
    {reply, ok, State};
handle_call({left, Node}, _From, #{nodes := Nodes} = State) ->
    {reply, ok, State#{nodes := Nodes -- [Node]}}.

handle_cast({ids, Ids}, State) ->
    keep(Ids, State),
    {noreply, State};
handle_cast({start, Ids}, State) ->
    start_here(Ids),
    {noreply, State}.

handle_info({nodedown, Node}, #{nodes := Before} = State) ->
    case lists:member(Node, Before) of
        false -> {noreply, State};
        true ->
            After = Before -- [Node],
            start_here([Id || Id <- all(State), owner(Before, Id) =:= Node, owner(After, Id) =:= node()]),
            {noreply, State#{nodes := After}}
    end;
handle_info(_Message, State) ->
    {noreply, State}.

all(#{ids := Table}) -> [Id || {Id} <- ets:tab2list(Table)].

keep(Ids, #{ids := Table}) -> ets:insert(Table, [{Id} || Id <- Ids]).

%% What is no longer this node's own ends here and begins there.
move(Before, After, Ids) ->
    Leaving = [Id || Id <- Ids, lists:member(node(), Before), owner(Before, Id) =:= node(), owner(After, Id) =/= node()],
    stop_here(Leaving),
    [gen_server:cast({?MODULE, Node}, {start, Given}) || {Node, Given} <- split(After, Leaving)].
