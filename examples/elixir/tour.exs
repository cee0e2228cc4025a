# A tour of a brood cluster from Elixir; no Mix, no dependency. Each step is checked, and the last line is "done".
#
#   elixir --hidden --cookie SECRET --name tour@127.0.0.1 tour.exs n1@127.0.0.1 n2@127.0.0.1 n3@127.0.0.1
#
# Without --cookie it is that of ~/.erlang.cookie. The nodes must have the supervisor `web` and the worker `counter`, as
# `brood node` has them with a fleet file that has [supervisor.web].
Code.require_file("brood.ex", __DIR__)

defmodule Tour do
  @sup :web

  def run([first | _] = nodes) do
    {:ok, _} = Supervisor.start_link([{Brood, supervisor: @sup, nodes: nodes}], strategy: :one_for_one)
    start_and_use()
    many(nodes)
    ask_where(first)
    follow()
    IO.puts("done")
  end

  # One child, by id from any node: start, call, cast, find, stop.
  defp start_and_use do
    spec = Brood.spec("alice", :counter, [100])
    {:ok, pid, "alice"} = Brood.start_child(@sup, spec)
    alice = {:via, Brood, {@sup, "alice"}}
    ^pid = GenServer.whereis(alice)
    105 = GenServer.call(alice, {:add, 5})
    :ok = GenServer.cast(alice, {:add, 2})
    107 = GenServer.call(alice, :get)
    {:error, {:already_started, ^pid}} = Brood.start_child(@sup, spec)
    {:ok, 107} = Brood.call(@sup, "alice", :get)
    107 = :sys.get_state(alice)
    IO.puts("alice runs on #{node(pid)} and counts #{GenServer.call(alice, :get)}")
    :ok = Brood.stop_child(@sup, "alice")
    wait("the child has left pg", fn -> GenServer.whereis(alice) == nil end)
    {:noproc, _} = catch_exit(fn -> GenServer.call(alice, :get) end)
  end

  # A hundred children at once: each runs on one node, the one that its id hashes to.
  defp many(nodes) do
    specs = for i <- 1..100, do: Brood.spec({:worker, i}, :counter, [i], metadata: %{tag: "tour"})
    {:ok, %{status: :ok, started: started}} = Brood.start_children(@sup, specs)
    100 = length(started)
    for node <- nodes do
      wait("#{node} knows all children", fn -> length(brood(node, {:process_list, @sup, :global})) == 100 end)
      local = brood(node, {:which_children, @sup, :local})
      IO.puts("#{node} runs #{length(local)} of 100")
    end
    wait("all are in pg", fn -> length(:pg.which_groups(@sup)) == 100 end)
    5050 = Enum.sum(for i <- 1..100, do: GenServer.call({:via, Brood, {@sup, {:worker, i}}}, :get))
    100 = length(Brood.tag_query(@sup, "tour"))
  end

  # Where things are.
  defp ask_where(first) do
    owner = Brood.node_for(@sup, {:worker, 7})
    true = owner in Brood.nodes(@sup)
    true = brood(first, {:mine, @sup, {:worker, 7}}) == (first == owner)
    {%{id: {:worker, 7}}, [{^owner, pid}], %{tag: "tour"}} = Brood.child_lookup(@sup, {:worker, 7})
    {:worker, 7} = Brood.whois(@sup, pid)
    IO.puts("worker 7 belongs on #{owner}")
  end

  # Who monitors the scope sees a child crash and come back.
  defp follow do
    {ref, _groups} = :pg.monitor(@sup, {:worker, 7})
    [pid] = :pg.get_members(@sup, {:worker, 7})
    down = Process.monitor(pid)
    Process.exit(pid, :crash)
    receive do: ({:DOWN, ^down, :process, ^pid, :crash} -> :ok), after: (5000 -> raise("no DOWN"))
    receive do: ({^ref, :leave, {:worker, 7}, [^pid]} -> :ok), after: (5000 -> raise("it did not leave"))
    again = receive do: ({^ref, :join, {:worker, 7}, [joined]} -> joined), after: (5000 -> raise("it did not return"))
    7 = GenServer.call(again, :get)
    IO.puts("worker 7 crashed and came back")
    {:ok, %{status: :ok}} = Brood.stop_children(@sup, for(i <- 1..100, do: {:worker, i}))
  end

  # What Brood does: every request goes to the process `brood` of any node.
  defp brood(node, request), do: GenServer.call({:brood, node}, request, 30_000)

  defp wait(what, condition, tries \\ 500)
  defp wait(what, _, 0), do: raise("not within 5 s: #{what}")
  defp wait(what, condition, tries) do
    unless condition.() do
      Process.sleep(10)
      wait(what, condition, tries - 1)
    end
  end

  defp catch_exit(function) do
    function.()
    raise("it did not exit")
  catch
    :exit, reason -> reason
  end
end

Tour.run(Enum.map(System.argv(), &String.to_atom/1))
