%% A child, the supervisor of children, and the process that counts messages.
-module(otp_child).
-behaviour(gen_server).
-export([start_link/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).

start_link() -> gen_server:start_link(?MODULE, child, []).

init([]) ->
    {ok, {#{strategy => simple_one_for_one, intensity => 1000000},
          [#{id => child, start => {?MODULE, start_link, []}, restart => permanent}]}};
init(child) ->
    counters:add(persistent_term:get(running), 1, 1),
    {ok, 0};
init(sink) ->
    {ok, 0}.

handle_call(get, _From, Value) -> {reply, Value, Value};
handle_call({add, Amount}, _From, Value) -> {reply, Value + Amount, Value + Amount};
handle_call(count, _From, Count) -> {reply, Count, 0}.
handle_cast(_Message, Value) -> {noreply, Value}.
handle_info(_Message, Count) -> {noreply, Count + 1}.
