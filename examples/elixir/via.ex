# `GenServer.call({:via, Brood.Via, {:web, "alice"}}, message)` calls the child wherever it runs now. A lookup reads
# this node's own table, which OTP's :pg keeps; start the scope once, e.g. `{:pg, :web}` under your supervisor.
defmodule Brood.Via do
  def whereis_name({sup, id}), do: List.first(:pg.get_members(sup, id)) || :undefined
  def send({sup, id}, message), do: Enum.each(:pg.get_members(sup, id), &Kernel.send(&1, message))
end
